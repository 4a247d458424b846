"""The status page: what every gate thinks and why, for people.

- `routes`: addresses, and what people do there.
- `board`: all releases, the worst first.
- `story`: one release.
- `live`: the same pages again, as they change.
- `rendering`: templates and what they may use.

Everything is rendered here and works without JavaScript; the script only exchanges parts of a page that have changed.
Nothing is loaded from elsewhere. Links are relative, so that a proxy may serve the pages under any path.
"""
