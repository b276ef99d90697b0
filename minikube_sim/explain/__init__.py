"""What happened to a packet and why: traces, pictures, reasons, matrices and captures.

`Explained` gives a Cluster its methods `trace`, `why`, `matrix`, `sniff`, `partition`, `loss`,
`latency` and `heal`; `api` the same to the command line. Nothing is paid until one is called.
"""
