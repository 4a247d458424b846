"""Rules that add up evidence from look to look, until harm or health is beyond reasonable doubt.

One look at such a rule goes through these, in this order:

- `setting`: what the rule has to know of its release.
- `history`: what is asked of the past, once, and what it teaches.
- `counting`: what is asked of this look, and how many events of either version it brought.
- `evidence`: the odds with this look's events, and where they stand.
- `youth`: what an early crossing of the line means.
- `weighing`: all of that for one rule, and then all rules together: whether the release must go back, and because
  of which rule.
- `standing`: what is said of each rule, in numbers; `sentence`: the same in words.

The numbers are made in `judge.stats`; nothing here computes a probability.
"""
