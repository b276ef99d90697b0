"""Sets of addresses, networks, ports and interfaces, for `-m set` and `-j SET`. Models
net/netfilter/ipset and ipset(8) 7.17.

    sets.py       what a set holds, and whether it holds a packet's ends
    elements.py   elements as text
    kinds.py      hash:ip, hash:net,port, bitmap:port, list:set, ...
    command.py    ipset create | add | del | test | list | save | restore | ...
"""
