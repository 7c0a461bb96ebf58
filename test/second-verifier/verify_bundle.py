#!/usr/bin/env python3
"""A second opinion on a bundle, by Python's standard library, the openssl command and what verify.py beside it knows of keys.

    python3 verify_bundle.py BUNDLE [--key VKEY] [--policy FILE]
                                             exit code 0 VALID, 1 INVALID, 2 cannot read it, 3 INCOMPLETE: cannot tell

It checks what docs/format.md, section "Bundle", says, with no anchor, and stops at the first thing that is wrong.
"""
import json, os, re, sys
from verify import (LABELS, UNDERSTOOD, Invalid, check_note, check_price, check_signature, is_signed, need, octets_of, push,
                    read_policy, read_vkey, root, sha)

MAX_LINE, MAX_ENTRY, MAX_PAYLOAD, WINDOW = 89_578_488, 65_535, 67_108_864, 131_072
HEX64, DECIMAL = re.compile("[0-9a-f]{64}").fullmatch, re.compile("0|[1-9][0-9]{0,19}").fullmatch


class Judge:
    """Reads a bundle from left to right, as the tree is: `size` and `peaks` are what the lines so far are a tree of."""

    def __init__(self):
        self.header, self.end, self.size, self.peaks, self.prev, self.whole = None, None, 0, {}, "0" * 64, True
        self.entries, self.leaves, self.texts, self.notes = {}, {}, {}, {}
        self.contexts, self.named, self.present, self.clock = {}, set(), set(), None

    def line(self, octets):
        text = octets.decode()
        line = json.loads(text, parse_float=refuse, parse_constant=refuse)
        need(canonical(line) == text and type(line) is dict, "a line is not canonical JSON of an object")
        need(self.end is None, "there is more behind the last line")
        take = {
            "bundle checkpoint key origin selection": self.take_header,
            "from hash to": self.take_hash,
            "context kind": self.take_context,
            "entry seq": self.take_entry,
            "entry payload salt seq": self.take_entry,
            "checkpoint size": self.take_checkpoint,
            "end": self.take_end,
        }.get(" ".join(line))
        need(take, "a line is of no kind that there is")
        need((take == self.take_header) == (self.header is None), "the first line is not the header, or not alone")
        take(line)

    def take_header(self, line):
        need(line["bundle"] == "if-witness/bundle@v1" and type(line["key"]) is str, "not a bundle of version 1")
        for name, value in line["selection"].items():
            need(type(value) is str and name in ("trace", "since", "until"), "the selection has a strange member")
            need(name == "trace" or DECIMAL(value), "a time of the selection is none")
        self.header = line
        origin, self.total, self.root, _, _ = note = read_note(line["checkpoint"])
        need(origin == line["origin"] and self.total >= 1, "the checkpoint is of another ledger, or of no entry")
        self.notes[self.total] = note

    def take_hash(self, line):
        start, width = count(line["from"]), count(line["to"]) - count(line["from"])
        need(width > 0 and width & (width - 1) == 0 and start % width == 0, "a hash is not that of a complete subtree")
        need(start == self.size and line["to"] <= self.total, "a hash is out of place")
        node, level, index = bytes.fromhex(line["hash"]), width.bit_length() - 1, start // width
        need(HEX64(line["hash"]), "a hash is not 64 hex digits")
        while index % 2:
            node, level, index = sha(b"\1", self.peaks.pop(level), node), level + 1, index // 2
        self.peaks[level] = node
        self.size, self.whole, self.clock = line["to"], False, None
        self.prev = line["hash"] if width == 1 else None

    def take_context(self, line):
        need(line["kind"] in ("resource", "scope"), "a context is of no kind that there is")
        digest = sha(LABELS[line["kind"]], octets_or_none(line["context"], MAX_PAYLOAD))
        need(digest not in self.contexts, "a context is there twice")
        self.contexts[digest] = line["kind"]

    def take_entry(self, line):
        seq, octets = count(line["seq"]), octets_or_none(line["entry"], MAX_ENTRY)
        need(seq == self.size < self.total, f"entry {seq} is out of place")
        text, entry = octets.decode(), read_entry(octets)
        need(entry["seq"] == seq, f"the entry at {seq} says that it is another")
        need(self.prev in (None, entry["prev"]), f"the chain is broken at entry {seq}")
        if self.clock is not None:
            backwards = "backwards" if int(entry["at"]) < self.clock else None
            need(entry.get("clock") == backwards, f"entry {seq} does not tell its clock truly")
        if seq in self.notes:
            _, _, _, text_of, lines = self.notes[seq]
            stored = text_of + "\n" + "".join(l + "\n" for l, name, _ in lines if name == self.header["origin"])
            need(entry.get("checkpoint") == sha(stored.encode()).hex(), f"entry {seq} names another checkpoint")
        need((entry["type"] == "genesis") == (seq == 0), f"entry {seq} is of type {entry['type']}")
        if entry["type"] == "span" and "rated" in entry["body"].get("charge", {}):
            check_price(seq, entry["body"]["usage"], entry["body"]["charge"])
        leaf = sha(b"\0", octets)
        push(self.peaks, {}, seq, leaf)
        self.size, self.prev, self.clock = seq + 1, leaf.hex(), int(entry["at"])
        self.entries[seq], self.leaves[seq], self.texts[seq] = entry, leaf.hex(), text
        if "payload" in line:
            self.take_payload(seq, entry, octets_or_none(line["salt"], 32), octets_or_none(line["payload"], MAX_PAYLOAD))

    def take_payload(self, seq, entry, salt, payload):
        need(len(salt) == 32 and "payload" in entry, f"entry {seq} has no payload, or the salt is none")
        need(sha(LABELS["payload"], salt, payload).hex() == entry["payload"], f"the payload of entry {seq} is another")
        self.present.add(seq)
        imported = entry["type"] == "import" and not payload.startswith(b'{"scope":{')
        if (entry["type"] == "span" or imported) and len(payload) >= 64:
            for digest, kind in (payload[:32], "resource"), (payload[32:64], "scope"):
                need(self.contexts.get(digest) == kind, f"the {kind} of entry {seq} is missing")
                self.named.add(digest)

    def take_checkpoint(self, line):
        size = count(line["size"])
        need(size == self.size >= 1 and size not in self.notes, f"a checkpoint of size {size} is out of place")
        origin, said, signed, _, _ = note = read_note(line["checkpoint"])
        need(origin == self.header["origin"] and said == size, f"the checkpoint of size {size} is another")
        need(signed == root(self.peaks), f"the checkpoint of size {size} signed another root")
        self.notes[size] = note

    def take_end(self, line):
        need(self.size == self.total, f"the lines cover {self.size} entries of {self.total}")
        need(type(line["end"]) is int and line["end"] == len(self.entries), "entries were left out or added")
        need(root(self.peaks) == self.root, "entries and hashes do not give the root that was signed")
        self.end = line


def refuse(_):
    raise Invalid("a number that is none in canonical JSON")


def canonical(value):
    """RFC 8785, of what a line can hold: names in it are ASCII, so that sorting by characters is sorting by UTF-16."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def count(value):
    need(type(value) is int and 0 <= value < 2**53, "a number is none")
    return value


def octets_or_none(text, most):
    """Base64, of no octets too."""
    octets = octets_of(text) if text else b""
    need(type(text) is str and len(octets) <= most, "a member is no base64, or too long")
    return octets


def read_entry(octets):
    text = octets.decode()
    need(text and min(text) >= " ", "an entry holds control characters")
    entry = json.loads(text)
    need(type(entry) is dict and type(entry["body"]) is dict, "an entry is none")
    need(type(entry["at"]) is str and DECIMAL(entry["at"]) and HEX64(entry["prev"]), "the envelope of an entry")
    need(re.fullmatch("[a-z0-9-]{1,32}", entry["type"]) and count(entry["seq"]) >= 0, "the envelope of an entry")
    for name in "checkpoint", "payload":
        need(name not in entry or HEX64(entry[name]), f"the {name} of an entry")
    need(entry.get("clock", "backwards") == "backwards" and entry.get("critical", True) is True, "the envelope of an entry")
    return entry


def read_note(note):
    """Origin, size, root, signed text and signature lines (line, name, octets) of a checkpoint."""
    need(len(note.encode()) <= 1_000_000 and not re.search("[\0-\x09\x0b-\x1f]", note), "a note is too long or no text")
    text, _, block = note.rpartition("\n\n")
    need(block.endswith("\n") and block.count("\n") <= 100, "a note has no signature lines, or too many")
    lines = []
    for line in block[:-1].split("\n"):
        dash, name, signature = line.split(" ")
        strange = not name or "+" in name or any(letter.isspace() for letter in name)
        octets = octets_of(signature)
        need(dash == "—" and not strange and len(octets) >= 5, "a signature line is none")
        lines.append((line, name, octets))
    origin, size, signed, *more = text.split("\n")
    need(origin and all(more) and DECIMAL(size) and int(size) < 2**53, "a checkpoint is none")
    need(len(octets_of(signed)) == 32, "the root of a checkpoint is none")
    return origin, int(size), octets_of(signed), text + "\n", lines


def check_keys(judge, vkey):
    """Which key signs which sizes, and that each note has its lines and none of its own name besides. Gives back the vkeys."""
    origin, genesis = judge.header["origin"], judge.entries[0]["body"]
    need(genesis["origin"] == origin and type(genesis["format"]) is int, "genesis is that of another ledger")
    need("checkpoint" not in judge.entries[0], "genesis names a checkpoint")
    rotations = [(seq, entry["body"]["key"]) for seq, entry in judge.entries.items() if entry["type"] == "rotation"]
    vkeys = [genesis["key"], *(key for _, key in rotations)]
    keys = [read_vkey(each, origin) for each in vkeys]
    need(len({key_id for key_id, _ in keys}) == len(keys), "a rotation names a key whose id an earlier one has")
    closing = [seq + 1 for seq, _ in rotations]
    need(all(size in judge.notes for size in closing), "no checkpoint closes the epoch that a rotation ends")
    need(vkey is None or vkey in vkeys, "the bundle is signed by other keys than the one that is given")
    for size, (_, _, _, text, lines) in judge.notes.items():
        epoch = sum(at < size for at in closing)
        signers = keys[epoch : epoch + (2 if size in closing else 1)]
        own = [octets for _, name, octets in lines if name == origin]
        need([octets[:4].hex() for octets in own] == [key_id for key_id, _ in signers], f"checkpoint {size}: not its keys")
        for octets, (_, public) in zip(own, signers):
            check_signature(text, octets[4:], public, size)
    return vkeys


def check_witnesses(judge, witnesses):
    """Which witnesses of the policy cosigned a checkpoint that is here, by size."""
    cosigned = {}
    for size, (_, _, _, text, lines) in judge.notes.items():
        for _, name, octets in lines:
            for alias, known, key_id, public in witnesses:
                if (name, octets[:4].hex()) != (known, key_id) or name == judge.header["origin"]:
                    continue
                time = int.from_bytes(octets[4:12], "big")
                message = f"cosignature/v1\ntime {time}\n{text}".encode()
                good = len(octets) == 76 and 0 < time < 2**53 and is_signed(public, message, octets[12:])
                need(good, f"the cosignature of size {size} by {alias} does not verify")
                cosigned.setdefault(size, set()).add(alias)
    return cosigned


def check_bound(judge):
    """Redactions and adjustments, as far as their targets are here. Gives back the seqs whose payload is neither here nor erased."""
    erased = set()
    for seq, entry in judge.entries.items():
        body, target = entry["body"], entry["body"].get("target")
        if entry["type"] not in ("redaction", "adjustment"):
            continue
        need(type(target) is int and 0 <= target < seq, f"entry {seq} names no earlier entry")
        bound = target not in judge.entries or body["leaf"] == judge.leaves[target]
        need(bound and type(body["leaf"]) is str, f"entry {seq} is not bound to its target")
        if entry["type"] == "redaction":
            need(type(body["reason"]) is str and "critical" in entry, f"the redaction in entry {seq} is malformed")
            need("payload" in judge.entries.get(target, {"payload": 0}), f"entry {seq} erases what has no payload")
            erased.add(target)
        elif judge.entries.get(target, {}).get("type") == "span" and "rated" in body["charge"]:
            check_price(seq, judge.entries[target]["body"]["usage"], body["charge"])
    need(not erased & judge.present, "a payload that was erased is here again")
    need(judge.named == set(judge.contexts), "there is a context that no payload names")
    return {seq for seq, entry in judge.entries.items() if "payload" in entry} - judge.present - erased


def check_imports(judge):
    """Entries of other ledgers: each under a head that is here, in order, each bound to the one before where that is here."""
    heads, parts, octets, following = {}, 0, b"", None
    for seq, entry in judge.entries.items():
        body, is_import = entry["body"], entry["type"] == "import"
        need(parts == 0 or is_import and seq == following, f"parts of an import are missing at entry {seq}")
        if not is_import:
            continue
        if "note" in body:
            need(parts == 0 and "payload" not in entry and "entry" not in body, f"the import in entry {seq} is no head")
            heads[seq] = [body["origin"], *check_note(body), -1, "0" * 64, {} if "key" in body else None]
            continue
        if parts == 0:
            first, parts, octets, part = (seq, entry), body.get("parts", 1), b"", 0
            need(1 <= parts <= 16 and ("parts" in body) == ("part" in body) == (parts > 1), f"entry {seq}: strange parts")
        else:
            same = all(body.get(name) == first[1]["body"].get(name) for name in ("head", "origin", "seq", "parts"))
            need(same and "payload" not in entry, f"entry {seq} is not the next part")
        need(body.get("part", 0) == part, f"entry {seq} is not the next part")
        octets, parts, part, following = octets + octets_of(body["entry"]), parts - 1, part + 1, seq + 1
        if parts == 0:
            check_imported(heads[body["head"]], body, octets, first[1].get("payload"), first[0])
    need(parts == 0, "parts of an import are missing at the end")


def check_imported(head, body, octets, payload, seq):
    origin, size, signed, last, leaf, peaks = head
    held = read_entry(octets)
    need(len(octets) <= MAX_ENTRY and body["origin"] == origin, f"the import in entry {seq} is none of its head")
    need(held["seq"] == body["seq"] > last, f"the import in entry {seq} is out of order")
    need(size is None or held["seq"] < size, f"the import in entry {seq} is beyond the note of its head")
    need(held["seq"] > last + 1 or held["prev"] == leaf, f"the import in entry {seq} does not follow the one before")
    need(payload in (None, held.get("payload")), f"the import in entry {seq} has another payload")
    genesis = held["type"] == "genesis" and held["body"].get("origin") == origin
    need(held["seq"] > 0 or genesis, f"the import in entry {seq} is not the genesis of {origin}")
    head[3:5] = held["seq"], sha(b"\0", octets).hex()
    if peaks is None or held["seq"] > last + 2:
        head[5] = None
        return
    if held["seq"] == last + 2:  # Of one that is missing, the next says what it was.
        push(peaks, {}, last + 1, bytes.fromhex(held["prev"]))
    push(peaks, {}, held["seq"], bytes.fromhex(head[4]))
    need(held["seq"] + 1 != size or root(peaks) == signed, f"the imports up to entry {seq} are not what was signed")


def check_indexes(judge):
    """Indexes follow each other where none can be missing between them; their trees are right where their whole range is here."""
    start, before = 0, 0
    for seq, entry in judge.entries.items():
        if seq != before:
            start = None
        before = seq + 1
        if entry["type"] != "index":
            continue
        body = entry["body"]
        said = {name: (count(body[name]["leaves"]), body[name]["root"]) for name in ("business", "business_parent", "trace")}
        need(start in (None, body["from"]), f"the range of the index in entry {seq} is not the next one")
        need(count(body["from"]) < count(body["to"]) <= seq, f"the index in entry {seq} has no range")
        start = body["to"]
        if body["from"] <= seq - WINDOW or not all(at in judge.entries for at in range(body["from"], seq)):
            continue
        spans = [(at, judge.entries[at]) for at in range(body["from"], body["to"])]
        for name, (leaves, signed) in said.items():
            seqs, peaks = {}, {}
            for at, span in spans:
                if span["type"] == "span" and name in span["body"]:
                    value = span["body"][name]
                    seqs.setdefault(bytes.fromhex(value) if name == "trace" else sha(value.encode()), []).append(at)
            for index, key in enumerate(sorted(seqs)):
                push(peaks, {}, index, sha(b"\0", key, *(at.to_bytes(8, "big") for at in seqs[key])))
            expected = (len(seqs), (root(peaks) if peaks else sha()).hex())
            need((leaves, signed) == expected, f"the index in entry {seq} has another tree over {name}")


def verify_bundle(path, vkey, policy):
    judge = Judge()
    with open(path, "rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 2), b"")):
            need(line.endswith(b"\n") and len(line) <= MAX_LINE + 1, "the file was cut off, or a line is too long")
            if number == 0 and re.match(rb'\{"bundle":"if-witness/bundle@v(?!1")[1-9]\d{0,8}"', line):
                return 3, "INCOMPLETE: a bundle of a later version"
            judge.line(line[:-1])
    need(judge.end is not None, "the file was cut off")
    need(0 in judge.entries, "genesis is not here")
    vkeys = check_keys(judge, vkey)
    missing = check_bound(judge)
    check_imports(judge)
    check_indexes(judge)
    logs, witnesses, meets = read_policy(policy) if policy else ([], [], lambda who: True)
    cosigned = check_witnesses(judge, witnesses)
    critical = any("critical" in entry and entry["type"] not in UNDERSTOOD for entry in judge.entries.values())
    if judge.entries[0]["body"]["format"] != 1 or critical:
        return 3, "INCOMPLETE: something critical is not understood"
    if vkey is None:
        return 3, "INCOMPLETE: no key is given, so the bundle only vouches for itself"
    if missing:
        return 3, f"INCOMPLETE: the payloads of {len(missing)} entries are missing, from entry {min(missing)} on"
    met = max((size for size, who in cosigned.items() if meets(who)), default=0)
    if not (met or meets(set())) or logs and not set(logs) & set(vkeys):
        return 3, "INCOMPLETE: the policy is not met"
    what = f"{len(judge.entries)} of {judge.total} entries of {judge.header['origin']}"
    if met and not meets(set()):
        return 0, f"VALID: {what}; witnesses vouch for {met} of them"
    return 0, f"VALID: {what}; " + ("nothing is left out" if judge.whole else "a selection, which cannot show what is left out")


def main(path="", *options):
    given = dict(zip(options[::2], options[1::2]))
    if not os.path.isfile(path) or len(options) % 2 or not set(given) <= {"--key", "--policy"}:
        return 2, "usage: verify_bundle.py BUNDLE [--key VKEY] [--policy FILE]"
    try:
        return verify_bundle(path, given.get("--key"), given.get("--policy"))
    except (Invalid, ValueError, LookupError, TypeError, AttributeError, RecursionError) as why:
        return 1, f"INVALID: {why}"


if __name__ == "__main__":
    code, sentence = main(*sys.argv[1:])
    print(sentence)
    sys.exit(code)
