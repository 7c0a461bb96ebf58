#!/usr/bin/env python3
"""A second opinion on a witness ledger, by Python's standard library and the openssl command alone.

    python3 verify.py LEDGER [--key VKEY] [--policy FILE]
                                             exit code 0 VALID, 1 INVALID, 2 cannot read it, 3 INCOMPLETE: cannot tell

It checks what docs/format.md, section "Verification", says, for ledgers without rotation, redaction and import. It
trusts the key as it is given, knows no remembered head and no anchor, and stops at the first thing that is wrong.
"""
import base64, hashlib, json, os, sqlite3, subprocess, sys, tempfile, urllib.parse
from fractions import Fraction

SCHEMAS = {  # by user_version; docs/format.md, section "Store"
    1: "c360fe8c4088fbd4e291a39d07bbb90916e3119edff708443f794f22037cbd80",
    2: "2b63dd40d9259c81062b43e1b8845a2a5307355e3245cc824c57c15c12461515",
}
STATISTICS = {"CREATE TABLE sqlite_stat1(tbl,idx,stat)", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"}
UNDERSTOOD = {"genesis", "span", "gap", "budget", "alert", "adjustment"}
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


def check_signature(note, vkey, origin):
    """A stored note has one signature line, the writer's, in the one form that these octets have."""
    name, key_id, public = parse_vkey(vkey, 1)
    need(name == origin, f"the key is that of {name}, the ledger calls itself {origin}")
    text, _, line = note.decode().rpartition("\n\n")
    octets = base64.b64decode(line.split(" ")[-1].strip(), validate=True)
    own_line = f"— {origin} {base64.b64encode(octets).decode()}\n"
    need(line == own_line and octets[:4].hex() == key_id, "a checkpoint is not signed by the key alone")
    need(is_signed(public, f"{text}\n".encode(), octets[4:]), "the signature of a checkpoint does not verify")


def parse_vkey(vkey, kind):
    """Name, key id and public key: kind 1 is a ledger's, 4 a witness's."""
    name, key_id, material = vkey.split("+", 2)
    public = base64.b64decode(material, validate=True)
    need(len(public) == 33 and public[0] == kind, f"{vkey} is not a key of type {kind}")
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
            witnesses.append((items[0], *parse_vkey(items[1], 4)))
            meets[items[0]] = lambda who, alias=items[0]: alias in who
        elif word == "group":
            members = [meets[name] for name in items[2:]]
            least = {"any": 1, "all": len(members)}.get(items[1]) or int(items[1])
            meets[items[0]] = lambda who, members=members, least=least: sum(m(who) for m in members) >= least
        elif word == "quorum":
            meets["quorum"] = meets[items[0]]
    return logs, witnesses, meets["quorum"]


def check_payloads(db, entries):
    """Gives back the seqs of the entries whose payload is not there."""
    contexts, named, missing = {}, set(), {seq for seq, entry in enumerate(entries) if "payload" in entry}
    for digest, kind, context in db.execute("SELECT digest, kind, context FROM contexts"):
        need(kind != "payload" and digest == sha(LABELS[kind], context), "a context does not have its digest")
        contexts[digest] = kind
    for seq, salt, payload in db.execute("SELECT seq, salt, payload FROM payloads"):
        need(seq in missing, f"a payload is stored for entry {seq}, which has none")
        digest = sha(LABELS["payload"], salt, payload).hex()
        need(len(salt) == 32 and digest == entries[seq]["payload"], f"the payload of entry {seq} is not the one signed")
        missing.remove(seq)
        if entries[seq]["type"] == "span":
            for digest, kind in (payload[:32], "resource"), (payload[32:64], "scope"):
                need(contexts.get(digest) == kind, f"the {kind} of entry {seq} is missing")
                named.add(digest)
    need(named == set(contexts), "there is a context that no payload names")
    return sorted(missing)


def verify(path, vkey, policy):
    need(not os.path.exists(path + "-journal"), "a rollback journal lies beside the ledger")
    db = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True)
    db.text_factory = lambda octets: octets.decode("utf-8")  # Strict, unlike the default of other programs.
    db.executescript("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; BEGIN")
    check_store(db)
    entries, notes = check_chain(db)
    genesis = entries[0]["body"]
    if any(entry["type"] == "rotation" for entry in entries):
        return 3, "INCOMPLETE: key rotation is not understood"
    need(vkey in (None, genesis["key"]), "the ledger names another key")
    for size in {min(notes), max(notes)}:
        check_signature(notes[size], genesis["key"], genesis["origin"])
    logs, witnesses, meets = read_policy(policy) if policy else ([], [], lambda who: True)
    cosigned = check_cosignatures(db, notes, witnesses)
    missing = check_payloads(db, entries)
    if genesis["format"] != 1 or any("critical" in entry and entry["type"] not in UNDERSTOOD for entry in entries):
        return 3, "INCOMPLETE: something critical is not understood"
    if vkey is None:
        return 3, "INCOMPLETE: no key is given, so the ledger only vouches for itself"
    if missing:
        return 3, f"INCOMPLETE: the payloads of {len(missing)} entries are missing, from entry {missing[0]} on"
    met = max((size for size, who in cosigned.items() if meets(who)), default=0)
    if not (met or meets(set())) or not (vkey in logs or not logs):
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
