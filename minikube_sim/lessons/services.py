"""The lesson on Services that the project began from, as its author ran it."""

from __future__ import annotations

from minikube_sim.lessons.step import (
    Lesson,
    Step,
    Text,
    contains,
    equals,
    evenly,
    lacks,
    matches,
)

_HELLO = '"Hello, Kubernetes!!!, version: 1.0"'

SERVICES = Lesson(
    name="services",
    title=Text("Services: one address for many Pods", "Сервисы: один адрес для многих Pod'ов"),
    intro=Text(
        "A Pod gets a new address each time it is made, so clients cannot rely on it. A Service "
        "gives all Pods with a label one address that stays. In this lesson you make both, see "
        "that the Service's address is on no interface, find the rules that make it work, and "
        "watch it share requests between two Pods.",
        "Pod каждый раз получает новый адрес, поэтому клиенты не могут на него полагаться. "
        "Service даёт всем Pod'ам с меткой один постоянный адрес. В этом уроке вы создадите "
        "и то и другое, увидите, что адреса Service нет ни на одном интерфейсе, найдёте правила, "
        "благодаря которым он работает, и посмотрите, как он делит запросы между двумя Pod'ами."),
    steps=(
        Step(
            say=Text("Create a ReplicaSet that keeps one Pod of simpleapi running.",
                     "Создаём ReplicaSet, который держит запущенным один Pod с simpleapi."),
            command="kubectl create -f ./examples/configs/services/simpliapi-rs.yaml",
            checks=(equals("replicaset.apps/simpleapi-rs created"),)),
        Step(
            say=Text("Create a Service for all Pods with the label app=backend.",
                     "Создаём Service для всех Pod'ов с меткой app=backend."),
            command="kubectl create -f ./examples/configs/services/services.yaml",
            checks=(equals("service/simpleapi-service created"),)),
        Step(
            say=Text("The Pod runs.", "Pod запущен."),
            command="kubectl get pods -l app=backend",
            checks=(matches(r"^simpleapi-rs-\w{5} +1/1 +Running +0 "),),
            capture={"pod": r"(simpleapi-rs-\w{5})"}, patience=15),
        Step(
            say=Text("It has an address of its own, on the node minikube.",
                     "У него есть собственный адрес, он работает на узле minikube."),
            command="kubectl describe pod {pod}",
            checks=(contains("Node: minikube/10.211.55.120", "Labels: app=backend",
                             "IP: 172.17.0.6", "Controlled By: ReplicaSet/simpleapi-rs"),
                    matches(r"Normal +Started "))),
        Step(
            say=Text("From the node, ask the Pod directly.",
                     "С узла обращаемся прямо к Pod'у."),
            command="minikube-sim ssh -- curl -s http://172.17.0.6:5000/info",
            checks=(equals(_HELLO),)),
        Step(
            say=Text("The Service has an address too: a virtual one, from another range.",
                     "У Service тоже есть адрес: виртуальный, из другого диапазона."),
            command="kubectl get services",
            checks=(matches(r"^kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443/TCP"),
                    matches(r"^simpleapi-service +ClusterIP +[\d.]+ +<none> +80/TCP")),
            capture={"vip": r"simpleapi-service +ClusterIP +([\d.]+)"}),
        Step(
            say=Text("It leads to port 5000 of the Pod.", "Он ведёт на порт 5000 нашего Pod'а."),
            command="kubectl describe services simpleapi-service",
            checks=(contains("TargetPort: 5000/TCP", "Endpoints: 172.17.0.6:5000",
                             "Session Affinity: None"),)),
        Step(
            say=Text("Ask the virtual address: the same answer.",
                     "Обращаемся к виртуальному адресу: ответ тот же."),
            command="minikube-sim ssh -- curl -s http://{vip}/info",
            checks=(equals(_HELLO),)),
        Step(
            say=Text("No interface has that address, ...",
                     "Этого адреса нет ни на одном интерфейсе, ..."),
            command="minikube-sim ssh -- ip addr",
            checks=(contains("10.211.55.120/24", "docker0", "172.17.0.1/16"), lacks("{vip}/"))),
        Step(
            say=Text("... it works because rules of iptables rewrite it to the Pod's.",
                     "... он работает, потому что правила iptables заменяют его адресом Pod'а."),
            command="minikube-sim ssh -- 'sudo iptables-save | grep simpleapi'",
            checks=(contains(
                '-A KUBE-SERVICES -d {vip}/32 -p tcp -m comment --comment '
                '"default/simpleapi-service cluster IP" -m tcp --dport 80 '
                "-j KUBE-SVC-A7N6J3KPN2M3YA4M",
                "-j DNAT --to-destination 172.17.0.6:5000"),)),
        Step(
            say=Text("Scale to two Pods.", "Увеличиваем число Pod'ов до двух."),
            command="kubectl scale --replicas=2 replicaset simpleapi-rs",
            checks=(equals("replicaset.apps/simpleapi-rs scaled"),)),
        Step(
            say=Text("The Service knows both.", "Service знает об обоих."),
            command="kubectl describe services simpleapi-service",
            checks=(contains("Endpoints: 172.17.0.6:5000,172.17.0.7:5000"),), patience=15),
        Step(
            say=Text("Twenty requests to the virtual address: ten to each Pod, in turn.",
                     "Двадцать запросов на виртуальный адрес: каждому Pod'у десять, по очереди."),
            command="minikube-sim ssh -- 'for i in $(seq 20); do curl -s http://{vip}/; done'",
            checks=(evenly(kinds=2, each=10),)),
        Step(
            say=Text("Delete the Service ...", "Удаляем Service ..."),
            command="kubectl delete services simpleapi-service",
            checks=(matches(r'^service "simpleapi-service" deleted'),)),
        Step(
            say=Text("... and the ReplicaSet.", "... и ReplicaSet."),
            command="kubectl delete replicasets simpleapi-rs",
            checks=(matches(r'^replicaset.apps "simpleapi-rs" deleted'),)),
        Step(
            say=Text("Pods, Endpoints and slices are gone: only the cluster's own are left, ...",
                     "Pod'ов, Endpoints и EndpointSlice больше нет, остались системные, ..."),
            command="kubectl get pods,endpointslices",
            checks=(contains("endpointslice.discovery.k8s.io/kubernetes"), lacks("simpleapi")),
            patience=60),
        Step(
            say=Text("... so are the rules, ...", "... исчезли и правила, ..."),
            command="minikube-sim ssh -- 'sudo iptables-save | grep -c simpleapi'",
            checks=(equals("0"),), exit_code=1, patience=15),
        Step(
            say=Text("... and nobody answers at the virtual address.",
                     "... и на виртуальный адрес никто не отвечает."),
            command="minikube-sim ssh -- curl -s --max-time 1 http://{vip}/info",
            checks=(equals(""),), exit_code=28),
    ))
