"""duckdb_report.py RECORDS.csv GROUPS: the median of milliseconds that DuckDB takes for a report over raw records.

The table is turned into Parquet once; that is not measured.
"""

import statistics
import sys
import time

import duckdb

records, groups = sys.argv[1:]
parquet = records + ".parquet"
connection = duckdb.connect()
connection.execute(f"COPY (SELECT * FROM read_csv('{records}')) TO '{parquet}' (FORMAT parquet)")
columns, _, having = groups.partition(" HAVING ")
query = f"""
    SELECT {columns}, count(*), count(*) FILTER (answered), sum(time_ms) FILTER (answered), sum(talk_ms),
        max(time_ms) FILTER (answered), count(*) FILTER (answered AND time_ms <= 30000) / count(*)
    FROM '{parquet}' {"WHERE " + having if having else ""} GROUP BY {columns} ORDER BY {columns}
"""
rounds = []
for _ in range(15):
    begun = time.perf_counter()
    connection.execute(query).fetchall()
    rounds.append(1000 * (time.perf_counter() - begun))
print(statistics.median(rounds))
