"""Connections that carry streams: exec, attach, port-forward; over WebSockets and SPDY/3.1.

    carrier.py    an upgraded connection, of whatever kind: messages both ways
    spdy.py       SPDY/3.1 frames, without I/O          session.py   its streams, over a carrier
    remote_command.py   the channels of exec and attach  port_forward.py   those of port-forward
    node.py       what the node that runs the Pod has to offer
"""
