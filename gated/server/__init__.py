"""HTTP. Translates requests into operations and results into documents; decides nothing.

- `app`: puts the application together.
- `releases`: the poll contract, under /api/v1.
- `lifecycle`: /-/healthy, /-/ready, /-/reload and /metrics.
- `problems`: one table from errors to statuses.
- `bell`: wakes long polls when a verdict changes.
- `limits`, `deadline`: what a client may cost.
"""
