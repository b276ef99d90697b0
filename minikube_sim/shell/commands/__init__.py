"""The commands of the simulated shells: one table, so that a reader sees all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from minikube_sim.shell.commands import (
    builtins,
    conntrack,
    curl,
    dig,
    echo,
    environment,
    files,
    getent,
    grep,
    iproute,
    ipset,
    iptables,
    jobs,
    kernel,
    nc,
    netstat,
    nft,
    nslookup,
    ping,
    run,
    sed,
    ss,
    system,
    tar,
    tcpdump,
    text,
    traceroute,
    wget,
)

if TYPE_CHECKING:
    from minikube_sim.shell.call import Command

COMMANDS: Final[dict[str, Command]] = {
    ":": builtins.true, "true": builtins.true, "false": builtins.false,
    "cd": builtins.cd, "pwd": builtins.pwd, "exit": builtins.leave, "logout": builtins.leave,
    "return": builtins.give_back, "break": builtins.loop, "continue": builtins.loop,
    "set": builtins.assign, "unset": builtins.unset, "shift": builtins.shift, "read": builtins.read,
    "test": builtins.test, "[": builtins.test, "let": builtins.let, "eval": builtins.evaluate,
    "source": builtins.source, ".": builtins.source, "exec": builtins.replace,
    "type": builtins.kind, "which": builtins.which, "command": builtins.command,
    "echo": echo.echo, "printf": echo.printf,
    "env": environment.env, "printenv": environment.printenv, "export": environment.export,
    "cat": files.cat, "ls": files.ls, "touch": files.touch, "mkdir": files.mkdir, "rm": files.rm,
    "tee": files.tee, "cp": files.cp,
    "grep": grep.grep, "egrep": grep.egrep, "sed": sed.sed,
    "head": text.head, "tail": text.tail, "wc": text.wc, "sort": text.sort, "uniq": text.uniq,
    "cut": text.cut, "tr": text.tr, "nl": text.nl, "rev": text.rev, "awk": text.awk,
    "seq": text.seq,
    "sudo": run.sudo, "timeout": run.timeout, "time": run.time, "xargs": run.xargs,
    "sh": run.shell, "bash": run.shell, "ash": run.shell, "sleep": run.sleep, "nohup": run.nohup,
    "wait": jobs.wait, "kill": jobs.kill, "jobs": jobs.jobs,
    "hostname": system.hostname, "uname": system.uname, "whoami": system.whoami,
    "id": system.identity, "date": system.date, "uptime": system.uptime, "ps": system.ps,
    "nproc": system.nproc, "clear": system.clear,
    "curl": curl.curl, "wget": wget.wget, "ping": ping.ping, "ping6": ping.ping,
    "nslookup": nslookup.nslookup, "dig": dig.dig, "host": getent.host, "getent": getent.getent,
    "traceroute": traceroute.traceroute, "traceroute6": traceroute.traceroute, "nc": nc.nc,
    "ip": iproute.ip, "ss": ss.ss, "netstat": netstat.netstat, "conntrack": conntrack.conntrack,
    "iptables": iptables.iptables, "ip6tables": iptables.iptables,
    "iptables-save": iptables.iptables_save, "ip6tables-save": iptables.iptables_save,
    "iptables-restore": iptables.iptables_restore, "ip6tables-restore": iptables.iptables_restore,
    "nft": nft.nft, "ipset": ipset.ipset,
    "dmesg": kernel.dmesg, "sysctl": kernel.sysctl, "tcpdump": tcpdump.tcpdump, "tar": tar.tar,
}
"""By name; paths such as /bin/ls find the same."""
