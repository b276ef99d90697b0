// What a program in node does with a cluster; prints one line a step.
import { PassThrough, Writable } from 'node:stream';
import * as k8s from '@kubernetes/client-node';

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = 'default', name = 'n';

const made = await core.createNamespacedConfigMap({
    namespace, body: { metadata: { name }, data: { k: '1' } } });
console.log('created', made.data.k);
const patched = await core.patchNamespacedConfigMap(
    { namespace, name, body: [{ op: 'replace', path: '/data/k', value: '2' }] });
console.log('patched', patched.data.k);

await new Promise((resolve) => {
    const watching = new k8s.Watch(config).watch('/api/v1/namespaces/default/configmaps',
        { fieldSelector: 'metadata.name=n' },
        (type, object) => { console.log('watched', type, object.metadata.name);
            watching.then((request) => { request.abort(); resolve(); }); },
        () => {});
});
console.log('deleted', (await core.deleteNamespacedConfigMap({ namespace, name })).status);
await core.readNamespacedConfigMap({ namespace, name }).catch(
    (error) => console.log('missing', error.code));

await core.createNamespacedPod({ namespace, body: { metadata: { name: 'box' }, spec: {
    containers: [{ name: 'box', image: 'busybox', command: ['sh', '-c', 'echo begun; sleep 3600'] }] } } });
for (;;) {
    const pod = await core.readNamespacedPod({ namespace, name: 'box' });
    if (pod.status.phase === 'Running') break;
    await new Promise((resolve) => setTimeout(resolve, 50));
}
const out = new Writable({ write(chunk, _, done) { console.log('exec', `${chunk}`.trim()); done(); } });
await new Promise((resolve) => {
    new k8s.Exec(config).exec(namespace, 'box', 'box', ['echo', 'out'], out, process.stderr, null,
        false, (status) => { console.log('status', status.status); resolve(); });
});
const stream = new PassThrough();
stream.once('data', (text) => {
    console.log('log', `${text}`.includes('begun'));
    process.exit(0);
});
await new k8s.Log(config).log(namespace, 'box', 'box', stream, { follow: false });
