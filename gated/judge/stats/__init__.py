"""The numbers behind the verdicts: plain functions of numbers, each with its source, its ranges and its guarantee.

- `start`: when does a fault begin? Wealth that waits, and how it is paid out.
- `drift`: the harmless drift of one instance's error rate, as a small hidden chain.
- `likelihood`: experts that bet on a size of the fault, against that drift.
- `betting`: bets that need a mean only.
- `two_sample`, `one_sample`, `past_baseline`: the three sequential tests made of them.
- `wald`: how much likelier counts are at one rate than at another, for fixed limits.
- `health`: the proof that a rate is below its limit, and how long it will take.
- `interval`: a confidence interval that holds at every look.
- `calibration`: how unsteady a healthy service is, from what its instances did (`history`): how far one of them was
  from its share (`surprise`), how much of that lasts (`autocovariance`), and how errors cluster (`dispersion`).
- `past`: what a whole service was like, for comparisons without an old version beside the new one.
- `cold_start`: whether early harm is one.
- `mann_whitney`, `gauges`: how far one sample of a gauge lies above another, and what has to be known of both.
"""
