#!/usr/bin/env python3
"""A second opinion on a witness ledger, by Python's standard library and the openssl command alone.

    python3 verify.py LEDGER [--key VKEY] [--policy FILE]
                                             exit code 0 VALID, 1 INVALID, 2 cannot read it, 3 INCOMPLETE: cannot tell

It checks what docs/format.md, section "Verification", says. It trusts the key as it is given, of whichever epoch it is,
knows no remembered head and no anchor, and stops at the first thing that is wrong.
"""
import base64, hashlib, json, os, sqlite3, subprocess, sys, tempfile, urllib.parse
from fractions import Fraction

SCHEMAS = {  # by user_version; docs/format.md, section "Store"
    1: "c360fe8c4088fbd4e291a39d07bbb90916e3119edff708443f794f22037cbd80",
    2: "2b63dd40d9259c81062b43e1b8845a2a5307355e3245cc824c57c15c12461515",
}
STATISTICS = {"CREATE TABLE sqlite_stat1(tbl,idx,stat)", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"}
UNDERSTOOD = set("genesis span gap budget alert adjustment rotation redaction import index restored".split())
P = 2**255 - 19  # The field of Ed25519.
D = -121665 * pow(121666, P - 2, P) % P
LABELS = {kind: f"if-witness/{kind}/v1\0".encode() for kind in ("payload", "resource", "scope")}


class Invalid(Exception):
    pass


def need(holds, what):
    if not holds:
        raise Invalid(what)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def push(peaks, stored, index, node):
    """Adds a leaf to the tree of RFC 6962: `peaks` are its complete subtrees by level, `stored` the nodes to store."""
    level = 0
    while index % 2:
        node, level, index = sha(b"\1", peaks.pop(level), node), level + 1, index // 2
        if level >= 8:
            stored[level, index] = node
    peaks[level] = node


def root(peaks):
    first, *larger = [peaks[level] for level in sorted(peaks)]
    for peak in larger:
        first = sha(b"\1", peak, first)
    return first


def check_store(db):
    rows = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    objects = sorted("\0".join(text or "" for text in row) for row in rows if row[3] not in STATISTICS)
    version = db.execute("PRAGMA user_version").fetchone()[0]
    need(sha("\n".join(objects).encode()).hex() == SCHEMAS.get(version), "the database schema is not that of a ledger")
    pragmas = {"application_id": 0x4946574C, "encoding": "UTF-8", "integrity_check": "ok"}
    for pragma, value in pragmas.items():
        need(db.execute("PRAGMA " + pragma).fetchone()[0] == value, f"{pragma} is not {value}")


def check_chain(db):
    """Gives back the entries, and the checkpoint notes by size."""
    notes = dict(db.execute("SELECT size, note FROM checkpoints"))
    entries, peaks, stored, prev, clock, named = [], {}, {}, "0" * 64, 0, set()

    def note_hash(size):
        text = f"{entries[0]['body']['origin']}\n{size}\n{base64.b64encode(root(peaks)).decode()}\n"
        need(notes.get(size, b"").startswith(text.encode()), f"checkpoint {size} is missing or not that of its entries")
        named.add(size)
        return sha(notes[size]).hex()

    names = "seq, segment, type, trace_id, span_id, business, business_parent, entry"
    for seq, *columns, text in db.execute(f"SELECT {names} FROM entries NOT INDEXED ORDER BY seq"):
        need(seq == len(entries), f"entry {len(entries)} is missing")
        need(len(text.encode()) <= 65535 and min(text) >= " ", f"entry {seq} is too long or holds control characters")
        entry = json.loads(text)
        body, at, claim = entry["body"], int(entry["at"]), entry.get("checkpoint")
        need((entry["seq"], entry["prev"]) == (seq, prev), f"the chain is broken at entry {seq}")
        need((entry["type"] == "genesis") == (seq == 0), f"entry {seq} is of type {entry['type']}")
        need(entry.get("clock") == ("backwards" if at < clock else None), f"entry {seq} does not tell its clock truly")
        known = note_hash(seq) if seq in notes and seq > 0 else None
        need(claim == known, f"checkpoint {seq} is missing, altered, or unknown to entry {seq}")
        expected = [seq >> 16, entry["type"], None, None, None, None]
        if entry["type"] == "import":
            expected[2:] = held_columns(db, seq, body)
        if entry["type"] == "span":
            ids = [bytes.fromhex(body["trace"]), bytes.fromhex(body["span"])]
            expected[2:] = [*ids, body.get("business"), body.get("business_parent")]
        need(columns == expected, f"a column of entry {seq} differs from what was signed")
        if "rated" in body.get("charge", {}) and entry["type"] == "span":
            check_price(seq, body["usage"], body["charge"])
        push(peaks, stored, seq, sha(b"\0", text.encode()))
        entries.append(entry)
        prev, clock = sha(b"\0", text.encode()).hex(), at
    need(entries, "there is no entry at all")
    note_hash(len(entries))
    need(set(notes) == named, "there is a checkpoint that no entry names")
    nodes = {(level, node): octets for level, node, octets in db.execute("SELECT level, node, hash FROM nodes")}
    need(nodes == stored, "a stored tree node is not that of its entries")
    return entries, notes


def check_price(seq, usage, charge):
    """The arithmetic of a cost that a rate card gave; Python rounds fractions half to even, too."""
    rated, pico = charge["rated"], 10**12
    used = {**{name: str(count) for name, count in usage.get("tokens", {}).items()}, **usage.get("units", {})}
    for line in rated["lines"]:
        need(used.pop(line["class"], None) == line["quantity"], f"a price of entry {seq} is not that of its usage")
        cost = round(Fraction(line["quantity"]) * Fraction(line["rate"]) * pico / int(line["per"]))
        need(str(cost) == line["cost"], f"a price of entry {seq} is wrong")
    need(all(used[name] == "0" for name in used if name != "reasoning"), f"a price of entry {seq} leaves something out")
    total = str(sum(int(line["cost"]) for line in rated["lines"]))
    need(rated["cost"] == total and (charge["source"] != "computed" or charge["cost"] == total), f"a sum of entry {seq}")


def read_vkey(vkey, origin):
    """Gives back key id and public key, once neither the one nor the other is somebody else's or anybody's."""
    name, key_id, material = vkey.split("+", 2)
    public = base64.b64decode(material, validate=True)
    need(base64.b64encode(public).decode() == material, f"{vkey} is not a verifier key")
    need(len(public) == 33 and sha(name.encode(), b"\n", public)[:4].hex() == key_id, f"{vkey} is not a verifier key")
    need(public[0] == 1, f"{vkey} is not an Ed25519 key")
    need(name == origin, f"the key is that of {name}, the ledger calls itself {origin}")
    y = int.from_bytes(public[1:], "little") % 2**255
    need(y < P and not is_weak(y), f"{vkey} is a key with which anybody can sign")
    return key_id, public[1:]


def is_weak(y):
    """Whether eight times the point is the neutral one: y doubles to (y² + x²) / (2 + y² - x²), x² follows from y."""
    for _ in range(3):
        xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
        y = (y * y + xx) * pow((2 - y * y + xx) % P, P - 2, P) % P
    return y == 1


def key_epochs(entries, notes):
    """The keys in order, each with the size of the checkpoint that closes its epoch."""
    origin, epochs, key = entries[0]["body"]["origin"], [], entries[0]["body"]["key"]
    for seq, entry in enumerate(entries):
        if entry["type"] == "rotation":
            need(seq + 1 in notes, f"no checkpoint closes the epoch that the rotation in entry {seq} ends")
            epochs.append((seq + 1, key))
            key = entry["body"]["key"]
    epochs.append((float("inf"), key))
    keys = [(closing, *read_vkey(vkey, origin)) for closing, vkey in epochs]
    need(len({key_id for _, key_id, _ in keys}) == len(keys), "a rotation names a key whose id an earlier one has")
    return [vkey for _, vkey in epochs], keys


def check_signatures(notes, keys, origin):
    """Every note has the lines that it must have; the first and the last of each epoch are verified."""
    sizes, epoch = sorted(notes), 0
    for place, size in enumerate(sizes):
        if size > keys[epoch][0]:
            epoch += 1
        signers = keys[epoch : epoch + 2] if size == keys[epoch][0] else keys[epoch : epoch + 1]
        text, _, block = notes[size].decode().rpartition("\n\n")
        lines = block.split("\n")
        need(len(lines) == len(signers) + 1 and lines[-1] == "", f"checkpoint {size} has not the lines of its keys alone")
        begins = place == 0 or epoch > 0 and sizes[place - 1] == keys[epoch - 1][0]
        for line, (_, key_id, public) in zip(lines, signers):
            octets = base64.b64decode(line.split(" ")[-1], validate=True)
            own = f"— {origin} {base64.b64encode(octets).decode()}"
            need(line == own and octets[:4].hex() == key_id, f"checkpoint {size} is not signed by its key")
            if begins or len(signers) > 1 or size == sizes[-1]:
                check_signature(f"{text}\n", octets[4:], public, size)


def check_signature(text, signature, public, size):
    need(is_signed(public, text.encode(), signature), f"a signature of checkpoint {size} does not verify")


def witness_key(vkey):
    """Name, key id and public key of a witness."""
    name, key_id, material = vkey.split("+", 2)
    public = base64.b64decode(material, validate=True)
    need(len(public) == 33 and public[0] == 4, f"{vkey} is not a key of a witness")
    need(sha(name.encode(), b"\n", public)[:4].hex() == key_id, f"{vkey} is not a verifier key")
    return name, key_id, public[1:]


def is_signed(public, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        der = bytes.fromhex("302a300506032b6570032100") + public
        for file, content in ("key", der), ("text", text), ("signature", signature):
            with open(os.path.join(folder, file), "wb") as f:
                f.write(content)
        command = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile signature"
        return subprocess.run(command.split(), cwd=folder, capture_output=True).returncode == 0


def check_cosignatures(db, notes, witnesses):
    """Every row is a line under a stored checkpoint. Gives back, by size, which of the witnesses cosigned it."""
    cosigned = {}
    version = db.execute("PRAGMA user_version").fetchone()[0]
    rows = db.execute("SELECT size, witness, line FROM cosignatures").fetchall() if version > 1 else []
    for size, witness, line in rows:
        need(size in notes, f"a cosignature is stored for size {size}, which has no checkpoint")
        dash, name, text = line.split(" ")
        octets = base64.b64decode(text, validate=True)
        canonical = f"— {name} {base64.b64encode(octets).decode()}"
        need(line == canonical and len(octets) > 4 and min(line) > "\x1f", f"a cosignature of size {size} is malformed")
        need(witness == f"{name}+{octets[:4].hex()}", f"a cosignature of size {size} is stored under another name")
        for alias, known, key_id, public in witnesses:
            if witness != f"{known}+{key_id}":
                continue
            time = int.from_bytes(octets[4:12], "big")
            body = notes[size].decode().rpartition("\n\n")[0]
            message = f"cosignature/v1\ntime {time}\n{body}\n".encode()
            good = len(octets) == 76 and 0 < time < 2**53 and is_signed(public, message, octets[12:])
            need(good, f"the cosignature of size {size} by {alias} does not verify")
            cosigned.setdefault(size, set()).add(alias)
    return cosigned


def read_policy(path):
    """Log keys, witnesses, and a test of a set of witnesses. c2sp.org/tlog-policy, as far as a well-formed file needs it."""
    logs, witnesses, meets = [], [], {"none": lambda who: True}
    for line in open(path, encoding="utf-8").read().split("\n"):
        word, *items = line.split() or ["#"]
        if word == "log":
            logs.append(items[0])
        elif word == "witness":
            witnesses.append((items[0], *witness_key(items[1])))
            meets[items[0]] = lambda who, alias=items[0]: alias in who
        elif word == "group":
            members = [meets[name] for name in items[2:]]
            least = {"any": 1, "all": len(members)}.get(items[1]) or int(items[1])
            meets[items[0]] = lambda who, members=members, least=least: sum(m(who) for m in members) >= least
        elif word == "quorum":
            meets["quorum"] = meets[items[0]]
    return logs, witnesses, meets["quorum"]


def check_redactions(db, entries):
    """Gives back the seqs of the entries whose payload was erased, each with the entry that says so first."""
    erased = {}
    for seq, entry in enumerate(entries):
        if entry["type"] != "redaction":
            continue
        target, leaf = entry["body"]["target"], entry["body"]["leaf"]
        need(type(target) is int and 0 <= target < seq, f"the redaction in entry {seq} names no earlier entry")
        need("payload" in entries[target], f"the redaction in entry {seq} names an entry without payload")
        # The leaf hash of an entry is the next one's prev.
        need(leaf == entries[target + 1]["prev"], f"the redaction in entry {seq} is not bound to its target")
        need(type(entry["body"]["reason"]) is str and "critical" in entry, f"the redaction in entry {seq} is malformed")
        erased.setdefault(target, seq)
    if db.execute("PRAGMA user_version").fetchone()[0] > 1:
        listed = dict(db.execute("SELECT seq, redaction FROM erased"))
        need(listed == erased, "what is listed as erased is not what the redactions say")
    return erased


def check_payloads(db, entries, erased):
    """Gives back the seqs of the entries whose payload is not there, and was not erased."""
    contexts, named, missing = {}, set(), {seq for seq, entry in enumerate(entries) if "payload" in entry}
    for digest, kind, context in db.execute("SELECT digest, kind, context FROM contexts"):
        need(kind != "payload" and digest == sha(LABELS[kind], context), "a context does not have its digest")
        contexts[digest] = kind
    for seq, salt, payload in db.execute("SELECT seq, salt, payload FROM payloads"):
        need(seq in missing, f"a payload is stored for entry {seq}, which has none")
        need(seq not in erased, f"the payload of entry {seq} was erased, and is there again")
        digest = sha(LABELS["payload"], salt, payload).hex()
        need(len(salt) == 32 and digest == entries[seq]["payload"], f"the payload of entry {seq} is not the one signed")
        missing.remove(seq)
        imported = entries[seq]["type"] == "import" and not payload.startswith(b'{"scope":{')
        if entries[seq]["type"] == "span" or imported:
            for digest, kind in (payload[:32], "resource"), (payload[32:64], "scope"):
                need(contexts.get(digest) == kind, f"the {kind} of entry {seq} is missing")
                named.add(digest)
    need(named == set(contexts), "there is a context that no payload names")
    return sorted(missing - set(erased))


def octets_of(text):
    octets = base64.b64decode(text, validate=True)
    need(octets and base64.b64encode(octets).decode() == text, "base64 is not canonical")
    return octets


def held_text(db, seq, body):
    """The entry that an import holds, joined from its parts."""
    octets = b""
    for part in range(body.get("parts", 1)):
        more = json.loads(db.execute("SELECT entry FROM entries WHERE seq = ?", [seq + part]).fetchone()[0])["body"]
        same = all(more.get(name) == body.get(name) for name in ("head", "origin", "seq", "parts"))
        need(same and more.get("part", 0) == part, f"the import in entry {seq} lacks a part")
        octets += octets_of(more["entry"])
    need(len(octets) <= 65535, f"the import in entry {seq} is too long")
    return octets.decode()


def held_columns(db, seq, body):
    """What the columns of an import say of the span that it holds, also where it is an import of one."""
    if "note" in body or body.get("part", 0) > 0:
        return [None] * 4
    entry = json.loads(held_text(db, seq, body))
    try:
        while entry["type"] == "import" and not {"note", "parts", "part"} & set(entry["body"]):
            inner = json.loads(octets_of(entry["body"]["entry"]).decode())
            need(inner["seq"] == entry["body"]["seq"], "an import in an import has another seq")
            entry = inner
        ids = [bytes.fromhex(entry["body"]["trace"]), bytes.fromhex(entry["body"]["span"])]
        need(entry["type"] == "span" and [len(octets) for octets in ids] == [16, 8], "no span")
        return [*ids, entry["body"].get("business"), entry["body"].get("business_parent")]
    except (Invalid, ValueError, LookupError, TypeError, AttributeError):
        return [None] * 4  # What another ledger says is no reason to find this one wrong.


def check_imports(db, entries):
    """Entries of other ledgers: under each head a chain, and where nothing is missing the tree that its note signs."""
    heads, following, parts = {}, {}, 0
    for seq, entry in enumerate(entries):
        body = entry["body"]
        need(parts == 0 or entry["type"] == "import", f"parts of an import are missing at entry {seq}")
        if entry["type"] != "import":
            continue
        if "note" in body:
            need(parts == 0 and "payload" not in entry and "entry" not in body, f"the import in entry {seq} is no head")
            heads[seq] = [body["origin"], *check_note(body), -1, "0" * 64, {} if "key" in body else None]
            continue
        if parts > 0:
            need(body.get("part") == following["part"] and "payload" not in entry, f"entry {seq} is not the next part")
            following["part"] += 1
            parts -= 1
            continue
        following, parts = {"part": 1}, body.get("parts", 1) - 1
        need(parts < 16 and ("parts" in body) == ("part" in body) == (parts > 0), f"entry {seq} has impossible parts")
        need(body.get("part", 0) == 0, f"entry {seq} is a part of nothing")
        text = held_text(db, seq, body)
        held, head = json.loads(text), heads[body["head"]]
        origin, size, signed, last, leaf, peaks = head
        need(body["origin"] == origin, f"the import in entry {seq} is of another ledger than its head")
        need(held["seq"] == body["seq"] > last, f"the import in entry {seq} is out of order")
        need(size is None or held["seq"] < size, f"the import in entry {seq} is beyond the note of its head")
        need(held["seq"] > last + 1 or held["prev"] == leaf, f"the import in entry {seq} does not follow the one before")
        need(entry.get("payload") in (None, held.get("payload")), f"the import in entry {seq} has another payload")
        genesis = held["type"] == "genesis" and held["body"].get("origin") == origin
        need(held["seq"] > 0 or genesis, f"the import in entry {seq} is not the genesis of {origin}")
        head[3:5] = held["seq"], sha(b"\0", text.encode()).hex()
        if peaks is None:
            continue
        if held["seq"] == last + 2:  # Of one that is missing, the next says what it was.
            push(peaks, {}, last + 1, bytes.fromhex(held["prev"]))
        elif held["seq"] != last + 1:
            head[5] = None
            continue
        push(peaks, {}, held["seq"], bytes.fromhex(head[4]))
        need(held["seq"] + 1 != size or root(peaks) == signed, f"the imports up to entry {seq} are not what was signed")
    need(parts == 0, "parts of an import are missing at the end")


def check_indexes(entries):
    """Which traces a range holds: a tree for each member, over its values and the seqs that have them."""
    start = 0
    for seq, body in ((seq, entry["body"]) for seq, entry in enumerate(entries) if entry["type"] == "index"):
        need(body["from"] == start < body["to"] <= seq, f"the range of the index in entry {seq} is not the next one")
        spans = [(at, entries[at]["body"]) for at in range(start, body["to"]) if entries[at]["type"] == "span"]
        for name in "business", "business_parent", "trace":
            seqs, peaks = {}, {}
            for at, span in spans:
                if name in span:
                    key = bytes.fromhex(span[name]) if name == "trace" else sha(span[name].encode())
                    seqs.setdefault(key, []).append(at)
            for index, key in enumerate(sorted(seqs)):
                push(peaks, {}, index, sha(b"\0", key, *(at.to_bytes(8, "big") for at in seqs[key])))
            expected = {"leaves": len(seqs), "root": (root(peaks) if peaks else sha()).hex()}
            said = {member: body[name][member] for member in expected}
            need(said == expected, f"the index in entry {seq} has another tree over {name}")
        start = body["to"]


def check_note(head):
    """The size and root that the note of a head signs; none where it names no key."""
    text, _, lines = head["note"].rpartition("\n\n")
    origin, size, signed = text.split("\n")[:3]
    need(origin == head["origin"] and size == str(int(size)) and len(octets_of(signed)) == 32, "the note of an import")
    need(lines.startswith("— ") and lines.endswith("\n"), "the note of an import has no signature")
    if "key" not in head:
        return None, None
    key_id = bytes.fromhex(head["key"].split("+")[1])
    own = [line for line in lines.splitlines() if line.split(" ")[1] == origin and octets_of(line.split(" ")[2])[:4] == key_id]
    need(len(own) == 1, "the note of an import is not signed by its key")
    _, public = read_vkey(head["key"], origin)
    check_signature(f"{text}\n", octets_of(own[0].split(" ")[2])[4:], public, size)
    return int(size), octets_of(signed)


def verify(path, vkey, policy):
    need(not os.path.exists(path + "-journal"), "a rollback journal lies beside the ledger")
    db = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True)
    db.text_factory = lambda octets: octets.decode("utf-8")  # Strict, unlike the default of other programs.
    db.executescript("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; BEGIN")
    check_store(db)
    entries, notes = check_chain(db)
    genesis = entries[0]["body"]
    vkeys, keys = key_epochs(entries, notes)
    need(vkey is None or vkey in vkeys, "the ledger names other keys than the one that is given")
    check_signatures(notes, keys, genesis["origin"])
    check_imports(db, entries)
    check_indexes(entries)
    logs, witnesses, meets = read_policy(policy) if policy else ([], [], lambda who: True)
    cosigned = check_cosignatures(db, notes, witnesses)
    missing = check_payloads(db, entries, check_redactions(db, entries))
    if genesis["format"] != 1 or any("critical" in entry and entry["type"] not in UNDERSTOOD for entry in entries):
        return 3, "INCOMPLETE: something critical is not understood"
    if vkey is None:
        return 3, "INCOMPLETE: no key is given, so the ledger only vouches for itself"
    if missing:
        return 3, f"INCOMPLETE: the payloads of {len(missing)} entries are missing, from entry {missing[0]} on"
    met = max((size for size, who in cosigned.items() if meets(who)), default=0)
    if not (met or meets(set())) or logs and not set(logs) & set(vkeys):
        return 3, "INCOMPLETE: the policy is not met"
    if met and not meets(set()):
        return 0, f"VALID: {len(entries)} entries of {genesis['origin']}; witnesses vouch for {met} of them"
    return 0, f"VALID: {len(entries)} entries of {genesis['origin']}; nothing outside this ledger vouches for its end"


def main(path="", *options):
    given = dict(zip(options[::2], options[1::2]))
    if not os.path.isfile(path) or len(options) % 2 or not set(given) <= {"--key", "--policy"}:
        return 2, "usage: verify.py LEDGER [--key VKEY] [--policy FILE]"
    try:
        return verify(path, given.get("--key"), given.get("--policy"))
    except (Invalid, sqlite3.Error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as why:
        return 1, f"INVALID: {why}"


if __name__ == "__main__":
    code, sentence = main(*sys.argv[1:])
    print(sentence)
    sys.exit(code)
