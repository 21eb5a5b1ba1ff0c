"""What no Server may send, made of what it was about to send, and the Ledger of a Server that sends such things."""

from random_model import Ledger

# Packets of lengths, flags and types that there are not, or not from a Server.
FORBIDDEN = [bytes.fromhex(text) for text in (
    "f000", "0000", "3080808080", "30ffffffff7f", "3000", "30020005", "3005000174", "3606000174000161", "32050001740000",
    "3403000174", "30040002c328", "3004000100", "30040001232b", "4000", "400100", "40020000", "4102000a", "5002ffff", "60020001",
    "62020000", "62030001ff", "7002ffff", "8202000a", "9003000103", "900300018100", "90020001", "b000", "b0030001ff", "c000",
    "d00100", "d100", "e000", "20020000", "20020500", "2003000000", "30ffffff7f000174", "32ffffff7f000174000161")]


def spoil(octets, draw):
    """Other octets in the place of these."""
    octets, kind, place = bytearray(octets), draw.randrange(8), draw.randrange(len(octets))
    if kind == 0:
        octets[place] ^= 1 << draw.randrange(8)
    elif kind == 1:
        octets[min(place, 1 + draw.randrange(4))] = draw.randrange(256)
    elif kind == 2:
        del octets[place:]
    elif kind == 3:
        octets[place:place] = draw.randbytes(1 + draw.randrange(20))
    elif kind == 4:
        octets = bytearray(draw.randbytes(1 + draw.randrange(200)))
    elif kind == 5:
        # An answer to something else: of any type, with an identifier that is mostly one of those in use.
        octets = bytearray([draw.choice((0x40, 0x50, 0x62, 0x70, 0xb0, 0x90)), 2, 0, draw.randrange(40)])
        if octets[0] == 0x90:
            octets[1:2] = b"\x03"
            octets.append(draw.choice((0, 1, 2, 128)))
    else:
        octets = bytearray(draw.choice(FORBIDDEN))
    return bytes(octets) or b"\0"


class Ignorant(Ledger):
    """Knows only that calls end, with what may be raised, and that the client is usable in the end."""

    def verdict(self, diary, session, marker):
        self.complaints.clear()
        entries = self.entries(diary)
        self.check_calls(entries)
        for message in self.downs.values():
            message.delivered = sum(kind == "DELIVERED" and one == message.number for kind, one, _, _ in entries)
        if not self.downs[marker].delivered:
            self.complain("message %d did not come in the end" % marker)
        return self.lines()
