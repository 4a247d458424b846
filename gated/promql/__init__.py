"""PromQL as gated reads and writes it; the only room that knows promql-parser.

- `syntax`: what a rule file may say: is it a selector, an instant vector, which labels does it match.
- `printer`: a syntax tree back to text, narrowed to a workload on the way.
- `render`: a measure and a workload to the query that is sent.

A query's shape is fixed before any value of a workload is known; a value is only ever put between quotes, escaped.
"""
