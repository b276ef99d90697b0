"""Tables, chains, matches and targets with the semantics of Linux netfilter."""
