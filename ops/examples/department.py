#!/usr/bin/env python3
"""A department in forty lines: shows its tickets, and reports each as accepted and answered.

    pip install confluent-kafka
    department.py --bootstrap HOST:PORT --department finanzamt-koeln

What the messages mean: schemas/topics/asyncapi.yaml. A real department answers after it has called back.
"""
import argparse, json
from confluent_kafka import Consumer, Producer

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--bootstrap", required=True)
args.add_argument("--department", required=True)
args = args.parse_args()
tickets, replies = (f"nrwdirekt.{kind}.{args.department}.v1" for kind in ("tickets", "ticket-replies"))
consumer = Consumer({"bootstrap.servers": args.bootstrap, "group.id": f"{args.department}.desk",
                     "auto.offset.reset": "earliest", "enable.auto.commit": False, "isolation.level": "read_committed"})
producer = Producer({"bootstrap.servers": args.bootstrap, "acks": "all", "enable.idempotence": True})

def reply(ticket, kind, **more):  # the same ce_id is applied once, so sending again does no harm
    headers = {"ce_specversion": "1.0", "ce_type": "nrwdirekt.ticket-reply.v1", "ce_source": f"/{args.department}",
               "ce_id": f"{ticket['ticket_id']}-v{ticket['version']}-{kind}", "content-type": "application/json"}
    content = {"ticket_id": ticket["ticket_id"], "type": kind, **more}
    producer.produce(replies, key=ticket["ticket_id"], value=json.dumps(content), headers=headers)

consumer.subscribe([tickets])
while True:
    message = consumer.poll(1.0)
    if message is None or message.error():
        continue
    headers = {name: value.decode() for name, value in message.headers() or []}
    if headers.get("ce_type") == "nrwdirekt.ticket.v1" and message.value():
        ticket = json.loads(message.value())
        print(ticket["ticket_id"], "version", ticket["version"], ticket["state"], "due", ticket["due_at"], flush=True)
        if ticket["state"] == "handed_over":
            reply(ticket, "accepted")
            reply(ticket, "answered", note="Beantwortet.")
            producer.flush()
    consumer.commit(message)
