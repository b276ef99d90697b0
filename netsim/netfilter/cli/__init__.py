"""The commands iptables, iptables-save and iptables-restore on a simulated ruleset."""

from netsim.netfilter.cli.iptables import iptables
from netsim.netfilter.cli.restore import RestoreOptions, iptables_restore, restore
from netsim.netfilter.cli.result import Result
from netsim.netfilter.cli.save import iptables_save

__all__ = ["RestoreOptions", "Result", "iptables", "iptables_restore", "iptables_save", "restore"]
