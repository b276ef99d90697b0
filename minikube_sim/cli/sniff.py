"""`minikube-sim sniff`: a flow's packets as a capture file."""

from __future__ import annotations

from base64 import b64decode
from pathlib import Path
from typing import Annotated

import typer

from minikube_sim.cli.console import fail, plain
from minikube_sim.cli.options import (
    DEFAULT_PROFILE,
    FromFlag,
    NamespaceFlag,
    ProfileFlag,
    ToFlag,
    running_profile,
)
from minikube_sim.cli.remote import Remote


def sniff(
    source: FromFlag, target: ToFlag,
    profile: ProfileFlag = DEFAULT_PROFILE,
    namespace: NamespaceFlag = "default",
    at: Annotated[str, typer.Option(
        "--at", help="Where to listen: pod/NAME, node/NAME, outside or all; else where it begins."
    )] = "",
    output_file: Annotated[Path | None, typer.Option(
        "--output-file", "-w", help="The pcap file to write; else the packets as text.")] = None,
) -> None:
    """Try a flow and catch its packets; the file opens in Wireshark and tcpdump."""
    remote = Remote(*running_profile(profile))
    answer = remote.call("POST", "/explain/sniff", {
        "source": source, "target": target, "namespace": namespace, "at": at})
    if output_file is None:
        plain(answer["text"])
        return
    try:
        output_file.write_bytes(b64decode(answer["pcap"]))
    except OSError as error:
        fail(f"--output-file {output_file}: {error.strerror}")
    plain(f"{answer['text'].count(chr(10)) + 1} packets in {output_file}")
