"""Receives a ticket with Kafka clients that are not ours, checks it against the published schemas, and replies; and adds
up the figures of a day from the topic of intervals.

Started by tests/foreign/run. Everything is waited for with a deadline; nothing is retried.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas" / "topics"
DEADLINE_S = 60
SIMULATED_DAY, NEXT_DAY = "2026-03-02", "2026-03-03"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--hotline", default="Steuern und Finanzen")
    parser.add_argument("--postal-code", default="50667")
    return parser.parse_args()


def until(what, probe):
    """The first result of `probe` that is not None, within the deadline."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = probe()
        if found is not None:
            print(f"ok: {what}", file=sys.stderr)
            return found
        time.sleep(0.1)
    sys.exit(f"failed: {what}, not within {DEADLINE_S} s")


def check(name, content):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    faults = [fault.message for fault in validator.iter_errors(content)]
    if faults:
        sys.exit(f"failed: {name} does not follow its schema: {faults}")


class Node:
    """The node, through its command line."""

    def __init__(self, args):
        self.args = args
        self.environment = dict(os.environ, NRWDIREKT_SERVER=args.server)

    def run(self, *words):
        done = subprocess.run(
            [self.args.binary, *words, "--json"],
            env=self.environment, stdout=subprocess.PIPE, timeout=DEADLINE_S, check=True, text=True,
        )
        return json.loads(done.stdout)

    def log(self, concern):
        return self.run(
            "callback", "log", "--hotline", self.args.hotline, "--postal-code", self.args.postal_code,
            "--phone", "0221 1234567", "--name", "Mustermann", "--concern", concern,
        )

    def state(self, ticket_id):
        return self.run("ticket", "show", ticket_id)["state"]


class Department:
    """A department on Kafka."""

    def __init__(self, bootstrap, department):
        self.bootstrap = bootstrap
        self.topics = {
            kind: f"nrwdirekt.{kind}.{department}.v1"
            for kind in ("tickets", "ticket-replies", "ticket-reply-results")
        }
        self.department = department
        self.producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True})

    def find(self, kind, what, wanted):
        """The first message of a topic for which `wanted(headers, key, value)` gives something."""
        consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": f"foreign-{uuid.uuid4()}",
            "enable.auto.commit": False, "isolation.level": "read_committed",
        })
        consumer.assign([TopicPartition(self.topics[kind], 0, 0)])

        def probe():
            message = consumer.poll(1.0)
            if message is None or message.error():
                return None
            headers = {name: value.decode() for name, value in message.headers() or []}
            return wanted(headers, (message.key() or b"").decode(), message.value())

        try:
            return until(what, probe)
        finally:
            consumer.close()

    def reply(self, ticket_id, value, reply_id=None):
        reply_id = reply_id or str(uuid.uuid4())
        headers = {
            "ce_specversion": "1.0", "ce_type": "nrwdirekt.ticket-reply.v1", "ce_id": reply_id,
            "ce_source": f"/{self.department}", "content-type": "application/json",
        }
        self.producer.produce(self.topics["ticket-replies"], key=ticket_id, value=value, headers=headers)
        if self.producer.flush(DEADLINE_S):
            sys.exit("failed: the reply was not delivered")
        return reply_id

    def result(self, reply_id):
        def wanted(_headers, _key, value):
            content = json.loads(value)
            check("ticket-reply-result.v1", content)
            return content if content["reply_id"] == reply_id else None

        return self.find("ticket-reply-results", f"the result of reply {reply_id} arrives", wanted)


def read_ticket(department, logged):
    ticket_id = logged["ticket_id"]

    def wanted(headers, key, value):
        if headers.get("ce_type") != "nrwdirekt.ticket.v1" or key != ticket_id:
            return None
        for name in ("ce_specversion", "ce_id", "ce_source", "ce_time", "ce_subject", "ce_ticketversion"):
            if name not in headers:
                sys.exit(f"failed: a ticket without the header {name}")
        content = json.loads(value)
        check("ticket.v1", content)
        if headers["ce_ticketversion"] != str(content["version"]):
            sys.exit("failed: header and content name different versions")
        return content

    ticket = department.find("tickets", "confluent-kafka reads the ticket", wanted)
    if ticket["department"] != logged["department"]:
        sys.exit("failed: the ticket is on the topic of another department")
    return ticket


def read_by_kcat(department, ticket_id):
    def probe():
        command = [
            "kcat", "-C", "-q", "-e", "-b", department.bootstrap, "-t", department.topics["tickets"], "-o", "beginning",
            "-X", "isolation.level=read_committed", "-f", "%k\\t%h\\t%s\\n",
        ]
        read = subprocess.run(command, stdout=subprocess.PIPE, timeout=DEADLINE_S, check=True).stdout.decode()
        lines = (line.split("\t", 2) for line in read.splitlines())
        return next((line for line in lines if line[0] == ticket_id), None)

    _, headers, value = until("kcat reads the ticket", probe)
    if "ce_type=nrwdirekt.ticket.v1" not in headers:
        sys.exit("failed: kcat sees no ce_type")
    check("ticket.v1", json.loads(value))


def by_report(figures):
    """What `report totals --json` says, by the names that the topic has."""
    told = {name: value for name, value in figures.items() if isinstance(value, int)}
    told |= {f"not_offered_{name}": value for name, value in figures["not_offered_by_reason"].items()}
    told |= {name if "dialer" in name else f"outbound_{name}": value for name, value in figures["outbound"].items()}
    return told


def check_intervals(args, node):
    """The sums of the example of a client are those of reports: of all and of each hotline, in two zones, and when a
    quarter-hour is taken back."""
    node.run("simulate", "--from", SIMULATED_DAY, "--seed", "11", "--calls-per-day", "500", "--wait")
    heading = "Zeitstempel;Task Typ;Eingangsthema (angerufene Hotline);Verbindungsstatus"
    rows = [f"02.03.2026 0{hour}:30:00;Anruf eingehend;{args.hotline};Verbunden" for hour in (2, 3)]

    def bring(*options, rows):
        with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
            file.write("\n".join([heading, *rows, ""]))
            file.flush()
            node.run("import", "--format", "hotline-export", "--wait", *options, file.name)

    bring(rows=rows)
    for zone in ("Europe/Berlin", "Asia/Kathmandu"):
        add_up(args, node, zone)
    bring("--replace", f"{SIMULATED_DAY}..{NEXT_DAY}", rows=rows[:1])
    add_up(args, node, "Europe/Berlin")


def add_up(args, node, zone):
    totals = node.run("report", "totals", "--from", SIMULATED_DAY, "--to", NEXT_DAY, "--by", "hotline", "--zone", zone)
    groups = {group["group"]: group for group in totals["groups"]}
    example = [
        sys.executable, str(ROOT / "ops" / "examples" / "intervals.py"), "--bootstrap", args.bootstrap,
        "--from", SIMULATED_DAY, "--zone", zone, "--json",
    ]

    def is_same(ours, theirs):
        reported = by_report(ours)
        if unknown := theirs.keys() - reported.keys():
            sys.exit(f"failed: no report has {sorted(unknown)}")
        return bool(theirs) and all(reported[name] == value for name, value in theirs.items())

    def probe():
        done = subprocess.run(example, stdout=subprocess.PIPE, timeout=DEADLINE_S, check=True, text=True)
        told = json.loads(done.stdout)
        if groups.keys() != told["groups"].keys() or not is_same(totals["total"], told["total"]):
            return None
        return True if all(is_same(groups[name], sums) for name, sums in told["groups"].items()) else None

    calls = totals["total"]["offered"]
    until(f"a client adds the intervals of a day in {zone} up to what is reported: {calls} calls", probe)


def main():
    args = arguments()
    node = Node(args)
    check_intervals(args, node)
    logged = node.log("Frage zum Einkommensteuerbescheid")
    ticket_id = logged["ticket_id"]
    department = Department(args.bootstrap, logged["department"])
    read_ticket(department, logged)
    read_by_kcat(department, ticket_id)

    for content in (
        {"ticket_id": ticket_id, "type": "accepted"},
        {"ticket_id": ticket_id, "type": "callback_attempted", "outcome": "reached", "note": "Um 10 Uhr"},
        {"ticket_id": ticket_id, "type": "answered", "note": "Bescheid erläutert"},
    ):
        check("ticket-reply.v1", content)
        applied = department.result(department.reply(ticket_id, json.dumps(content)))
        if applied["result"] != "applied":
            sys.exit(f"failed: {content['type']} was rejected: {applied['reason']}")
    until("the ticket is answered", lambda: True if node.state(ticket_id) == "answered" else None)

    for value, code in (("{", "unreadable"), (json.dumps({"ticket_id": ticket_id, "type": "answered"}), "already_answered")):
        rejected = department.result(department.reply(ticket_id, value))
        if (rejected["result"], rejected.get("code")) != ("rejected", code) or not rejected["reason"]:
            sys.exit(f"failed: expected {code}, got {rejected}")
        print(f"ok: a bad reply is rejected: {rejected['reason']}", file=sys.stderr)

    second = node.log("Frage zur Grundsteuer")
    example = subprocess.Popen([
        sys.executable, str(ROOT / "ops" / "examples" / "department.py"),
        "--bootstrap", args.bootstrap, "--department", second["department"],
    ], stdout=subprocess.DEVNULL)
    try:
        answered = lambda: True if node.state(second["ticket_id"]) == "answered" else None
        until("the example of a department answers a ticket", answered)
    finally:
        example.terminate()
        example.wait(timeout=DEADLINE_S)


if __name__ == "__main__":
    main()
