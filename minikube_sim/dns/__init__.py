"""DNS: what CoreDNS answers (`zone`, `server`), and how programs ask (`resolver`).

`dnslib` reads and writes the wire format; it is imported with the first question.
"""
