"""The subset of nftables that kube-proxy writes: rule sets, text both ways, evaluation."""

from netsim.nft.commands import execute, parse
from netsim.nft.errors import NftError, NftSyntaxError
from netsim.nft.listing import list_ruleset, list_table
from netsim.nft.parse import parse_rule
from netsim.nft.ruleset import BaseChain, Chain, Element, Rule, Ruleset, SetOrMap, Table
from netsim.nft.walk import walk

__all__ = [
    "BaseChain",
    "Chain",
    "Element",
    "NftError",
    "NftSyntaxError",
    "Rule",
    "Ruleset",
    "SetOrMap",
    "Table",
    "execute",
    "list_ruleset",
    "list_table",
    "parse",
    "parse_rule",
    "walk",
]
