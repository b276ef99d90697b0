"""SPDY/3.1 frames: both directions, in any pieces, and what is no SPDY."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.streaming.spdy import DICTIONARY, Data, Frames, Opened, Ping, SpdyError

HEADERS = st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,10}", fullmatch=True),
                          st.from_regex(r"[ -~]{0,20}", fullmatch=True), max_size=5)


@pytest.mark.verified(source="every SPDY/3 stream's zlib header names the dictionary's checksum")
def test_the_dictionary_is_the_draft_s():
    assert (len(DICTIONARY), zlib.adler32(DICTIONARY)) == (1423, 0xE3C6A7C2)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=300), st.booleans()), max_size=6),
       st.integers(1, 50))
def test_streams_arrive_as_sent_in_pieces_of_any_size(streams, size):
    ours, theirs = Frames(), Frames()
    wire, expected = b"", []
    for number, (headers, data, fin) in enumerate(streams):
        identifier = 2 * number + 1
        wire += theirs.open(identifier, headers) + theirs.data(identifier, data, fin=fin)
        expected += [Opened(identifier, headers, False), Data(identifier, data, fin)]
    wire += theirs.ping(7)
    pieces = [wire[at:at + size] for at in range(0, len(wire), size)]
    assert [event for piece in pieces for event in ours.feed(piece)] == [*expected, Ping(7)]


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_a_spdy_error(wire):
    with suppress(SpdyError):
        list(Frames().feed(wire))


def test_another_version_is_refused():
    with pytest.raises(SpdyError, match=r"not SPDY/3\.1"):
        list(Frames().feed(b"\x80\x02\x00\x01\x00\x00\x00\x00"))


def test_a_header_block_that_blows_up_is_refused():
    bomb = zlib.compressobj(zdict=DICTIONARY)
    block = bomb.compress(bytes(1 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    body = bytes(10) + block
    frame = b"\x80\x03\x00\x01" + len(body).to_bytes(4, "big") + body
    with pytest.raises(SpdyError, match="too large"):
        list(Frames().feed(frame))
