"""What Python's email package, by its strict policy, makes of each message file: one JSON line a file.

    read_messages.py FILE...                       fields, parts, defects
    read_messages.py --dkim RECORDS.json FILE...   and each DKIM signature by dkimpy
"""
import hashlib
import json
import sys
from email import policy
from email.parser import BytesParser

arguments = sys.argv[1:]
records = None
if arguments[:1] == ["--dkim"]:
    with open(arguments[1], "rb") as file:
        records = json.load(file)
    arguments = arguments[2:]


def defects_of(part):
    """Those of the structure, and those of each field when its value is parsed."""
    found = [type(defect).__name__ for defect in part.defects]
    for name, value in part.items():
        found += [f"{name}: {type(defect).__name__}" for defect in getattr(value, "defects", ())]
    return found


def leaf(part):
    if part.get_content_type() == "message/rfc822":
        return {"inner": str(part.get_payload(0)["subject"])}
    data = part.get_payload(decode=True)
    if part.get_content_maintype() == "text" and part.get_content_disposition() is None:
        return {"text": data.decode(part.get_content_charset("us-ascii"))}
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def addresses(value):
    return [] if value is None else [f"{a.display_name}|{a.addr_spec}" for a in value.addresses]


def signatures(raw):
    import dkim

    def lookup(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode() or None

    count = raw.count(b"DKIM-Signature:")
    return [dkim.DKIM(raw).verify(idx=index, dnsfunc=lookup) for index in range(count)]


for path in arguments:
    with open(path, "rb") as file:
        raw = file.read()
    message = BytesParser(policy=policy.SMTP).parsebytes(raw)
    parts = []
    defects = []
    for part in message.walk():
        defects += defects_of(part)
        described = {"type": part.get_content_type(), "name": part.get_filename(), "cid": part.get("content-id")}
        if not part.is_multipart() or part.get_content_type() == "message/rfc822":
            described |= leaf(part)
        parts.append({key: value for key, value in described.items() if value is not None})
    result = {
        "subject": message["subject"],
        "from": addresses(message["from"]),
        "to": addresses(message["to"]),
        "messageId": message["message-id"],
        "date": message["date"].datetime.isoformat(),
        "parts": parts,
        "defects": defects,
    }
    if records is not None:
        result["dkim"] = signatures(raw)
    print(json.dumps(result, ensure_ascii=False))
