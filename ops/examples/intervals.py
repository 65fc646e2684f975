#!/usr/bin/env python3
"""The figures of a day, as a table by hotline, from the topic of intervals alone.

    pip install confluent-kafka
    intervals.py --bootstrap HOST:PORT --from 2025-03-03 [--to 2025-03-04] [--zone Europe/Berlin] [--by hour] [--json]

The last message of each key is a quarter-hour of a hotline as it stands; a tombstone takes it away. Sums of quarter-hours are
what `nrwdirekt report totals --by hotline` says. What the messages mean: schemas/topics/interval.v1.schema.json.
"""
import argparse, datetime, json, zoneinfo
from confluent_kafka import Consumer, TopicPartition

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--bootstrap", required=True)
args.add_argument("--topic", default="nrwdirekt.intervals.v1")
args.add_argument("--from", dest="start", required=True, type=datetime.date.fromisoformat, help="the first day, local")
args.add_argument("--to", type=datetime.date.fromisoformat, help="the day after the last; else one day")
args.add_argument("--zone", default="Europe/Berlin", type=zoneinfo.ZoneInfo)
args.add_argument("--by", choices=["hotline", "hour"], default="hotline")
args.add_argument("--task-type", default="inbound_call")
args.add_argument("--json", action="store_true", help="every figure, not only those of the table")
args = args.parse_args()
args.to = args.to or args.start + datetime.timedelta(days=1)

def read():
    """The last message of each key."""
    consumer = Consumer({"bootstrap.servers": args.bootstrap, "group.id": "intervals-example", "enable.auto.commit": False,
                         "enable.partition.eof": True, "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(args.topic, 0, 0)])
    kept = {}
    while (message := consumer.poll(30.0)) is not None:
        if message.error():  # the end of the partition, or why it cannot be read
            consumer.close()
            if message.error().name() == "_PARTITION_EOF":
                return kept
            raise SystemExit(message.error().str())
        if message.value() is None:
            kept.pop(message.key(), None)
        else:
            kept[message.key()] = json.loads(message.value())
    raise SystemExit(f"{args.bootstrap} tells nothing")

def add(sums, interval):
    """Adds the figures of a task type; `contacts` counts all of them."""
    for told in interval["task_types"]:
        for name, value in told["figures"].items():
            if told["task_type"] == args.task_type or name == "contacts":
                sums[name] = sums.get(name, 0) + value

total, groups = {}, {}
for interval in read().values():
    start = datetime.datetime.fromisoformat(interval["start"].replace("Z", "+00:00")).astimezone(args.zone)
    if args.start <= start.date() < args.to:
        group = interval["hotline"] if args.by == "hotline" else f"{start:%Y-%m-%d %H:00 %z}"
        add(total, interval)
        add(groups.setdefault(group, {}), interval)
if args.json:
    print(json.dumps({"total": total, "groups": groups}, ensure_ascii=False))
else:
    columns = ["offered", "answered", "abandoned", "overflowed", "diverted", "unresolved", "waiting"]
    print(f"{args.by:32}", *(f"{column:>10}" for column in columns))
    for name, sums in [*sorted(groups.items()), ("all", total)]:
        print(f"{name:32}", *(f"{sums.get(column, 0):10}" for column in columns))
