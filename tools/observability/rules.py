"""Alert rules of the service for Prometheus: their expressions, tests and the advice of the how-to page."""

from typing import Final, Literal, NamedTuple

from calltally.web.metrics import definitions as m


class Rule(NamedTuple):
    """One alert rule. `firing` and `quiet` are series in promtool's notation, a value a minute.

    The rule fires for the first within `test_minutes`, and not for the second. `advice` is Markdown.
    """

    name: str
    expr: str
    lasts: str
    severity: Literal["critical", "warning", "info"]
    meaning: str
    advice: str
    firing: tuple[tuple[str, str], ...]
    quiet: tuple[tuple[str, str], ...]
    test_minutes: int = 30


JOB: Final = 'job="calltally"'


RULES: Final = (
    Rule(
        "CalltallyDown",
        f"up{{{JOB}}} == 0",
        "2m",
        "critical",
        "Prometheus cannot scrape the service.",
        "Look whether the process runs, and at the end of its log. If it ended at its start, see"
        " [The service does not start](troubleshoot.md#the-service-does-not-start).",
        firing=((f"up{{{JOB}}}", "0x30"),),
        quiet=((f"up{{{JOB}}}", "1x30"),),
    ),
    Rule(
        "CalltallyErrors",
        f'sum(rate({m.HTTP_REQUESTS.name}{{status=~"5.."}}[5m])) > 0.1',
        "5m",
        "critical",
        "More than one request in ten seconds fails with 500 or 503.",
        "Search the log for `request failed`; its `exception` has the cause. If the database does not"
        " respond, start there.",
        firing=((f'{m.HTTP_REQUESTS.name}{{status="503"}}', "0+60x30"),),
        quiet=((f'{m.HTTP_REQUESTS.name}{{status="503"}}', "0+1x30"),),
    ),
    Rule(
        "CalltallySlow",
        f"histogram_quantile(0.99, sum by (le) (rate({m.HTTP_SECONDS.name}_bucket"
        '{route!="/api/v1/changes"}[5m]))) > 1',
        "10m",
        "warning",
        "One request in a hundred takes longer than a second.",
        "Search the log for lines with a large `duration_ms`, and see by `route` what is slow. Then see"
        " [Size a server](size-a-server.md).",
        firing=(
            (f'{m.HTTP_SECONDS.name}_bucket{{route="/",le="1.0"}}', "0+1x30"),
            (f'{m.HTTP_SECONDS.name}_bucket{{route="/",le="5.0"}}', "0+60x30"),
            (f'{m.HTTP_SECONDS.name}_bucket{{route="/",le="+Inf"}}', "0+60x30"),
        ),
        quiet=(
            (f'{m.HTTP_SECONDS.name}_bucket{{route="/",le="1.0"}}', "0+60x30"),
            (f'{m.HTTP_SECONDS.name}_bucket{{route="/",le="+Inf"}}', "0+60x30"),
        ),
    ),
    Rule(
        "CalltallyWorkerMissing",
        f"time() - max({m.WORKER_REPORT.name}) > 120 and sum({m.WAITING_WORK.name}) > 0",
        "1m",
        "critical",
        "Deliveries, alerts or jobs wait, and no background worker has reported for two minutes.",
        "Start `calltally worker`, or run `calltally serve` without `--no-worker`.",
        firing=((m.WORKER_REPORT.name, "0x30"), (f'{m.WAITING_WORK.name}{{work="jobs"}}', "1x30")),
        quiet=((m.WORKER_REPORT.name, "0+60x30"), (f'{m.WAITING_WORK.name}{{work="jobs"}}', "1x30")),
    ),
    Rule(
        "CalltallyWritesStall",
        f"max({m.WRITER_WAIT.name}) > 5",
        "1m",
        "critical",
        "Write requests wait, and none was committed for five seconds.",
        "Look at the disk (full, or slow), at the database's own log, and at long transactions in"
        " PostgreSQL's `pg_stat_activity`.",
        firing=((m.WRITER_WAIT.name, "9x30"),),
        quiet=((m.WRITER_WAIT.name, "1x30"),),
    ),
    Rule(
        "CalltallyWritesWait",
        f"sum({m.WRITER_QUEUE.name}) > 500",
        "5m",
        "warning",
        "Many submissions wait for the writer: the disk or the database is too slow for the callbacks.",
        f"Compare the rates of `{m.COMMIT_SECONDS.name}` and `{m.COMMITS.name}`: their quotient is the time"
        " of a commit. See [Size a server](size-a-server.md).",
        firing=((m.WRITER_QUEUE.name, "600x30"),),
        quiet=((m.WRITER_QUEUE.name, "400x30"),),
    ),
    Rule(
        "CalltallyCommitsFail",
        f'sum(increase({m.COMMITS.name}{{outcome="failed"}}[10m])) > 3',
        "0m",
        "critical",
        "The database failed transactions. Their requests were answered with 503, and providers send again.",
        "Search the log for `request failed`. For SQLite look at the disk, for PostgreSQL at its log.",
        firing=((f'{m.COMMITS.name}{{outcome="failed"}}', "0+1x30"),),
        quiet=((f'{m.COMMITS.name}{{outcome="failed"}}', "0x30"),),
    ),
    Rule(
        "CalltallyReadsWait",
        f'max by (pool) ({m.CONNECTIONS.name}{{state="waiting"}}) > 0',
        "5m",
        "warning",
        "Requests wait for a connection to the database, since all are in use.",
        "Raise [`CALLTALLY_DATABASE_CONNECTIONS`](../reference/settings.md), if PostgreSQL allows more.",
        firing=((f'{m.CONNECTIONS.name}{{pool="reads",state="waiting"}}', "2x30"),),
        quiet=((f'{m.CONNECTIONS.name}{{pool="reads",state="waiting"}}', "0x30"),),
    ),
    Rule(
        "CalltallyLogOfWritesGrows",
        f'max({m.FILE_BYTES.name}{{file="wal"}}) > 512e6',
        "15m",
        "warning",
        "SQLite's write-ahead log stays above 512 MB: checkpoints fail, or a reader holds an old state.",
        "Search the log for `a checkpoint of the database failed`, and end commands that read for hours.",
        firing=((f'{m.FILE_BYTES.name}{{file="wal"}}', "6e8x30"),),
        quiet=((f'{m.FILE_BYTES.name}{{file="wal"}}', "1e8x30"),),
    ),
    Rule(
        "CalltallyCallbacksRefused",
        f"sum by (provider, reason) (increase({m.SIGNATURE_FAILURES.name}[15m])) > 5",
        "0m",
        "warning",
        "Callbacks are refused: a secret or the public URL is wrong, or somebody tries.",
        "Search the log for the `reason` and the `tenant`, and see"
        " [My callbacks are refused](troubleshoot.md#my-callbacks-are-refused).",
        firing=((f'{m.SIGNATURE_FAILURES.name}{{provider="twilio",reason="no-secret"}}', "0+2x30"),),
        quiet=((f'{m.SIGNATURE_FAILURES.name}{{provider="twilio",reason="no-secret"}}', "0x30"),),
    ),
    Rule(
        "CalltallyDeadLetters",
        f"max({m.WAITING_DEAD_LETTERS.name}) > 0",
        "10m",
        "warning",
        "Signed callbacks could not be read. They are kept.",
        "See [Replay dead letters](replay-dead-letters.md).",
        firing=((m.WAITING_DEAD_LETTERS.name, "1x30"),),
        quiet=((m.WAITING_DEAD_LETTERS.name, "0x30"),),
    ),
    Rule(
        "CalltallyNoCallbacks",
        f"sum(increase({m.FACTS.name}[1h])) == 0",
        "1h",
        "warning",
        "No callback or event has arrived for two hours. Restrict the rule to times that always have calls.",
        "Send a test call. If it is missing, check the URL at the provider, DNS, and the proxy.",
        firing=((f'{m.FACTS.name}{{provider="twilio",outcome="applied"}}', "5x180"),),
        quiet=((f'{m.FACTS.name}{{provider="twilio",outcome="applied"}}', "0+1x180"),),
        test_minutes=150,
    ),
    Rule(
        "CalltallyProviderChanged",
        f"sum by (provider) (increase({m.UNLISTED_FIELDS.name}[1d])) > 0",
        "0m",
        "info",
        "Callbacks have fields that the provider's page does not list.",
        "`calltally status` names them. Compare the provider's changelog, and look for a new version.",
        firing=((f'{m.UNLISTED_FIELDS.name}{{provider="twilio"}}', "0+1x30"),),
        quiet=((f'{m.UNLISTED_FIELDS.name}{{provider="twilio"}}', "0x30"),),
    ),
    Rule(
        "CalltallyDeliveriesGivenUp",
        f'sum(increase({m.DELIVERY_ATTEMPTS.name}{{outcome="dead"}}[1h])) > 0',
        "0m",
        "warning",
        "Events were given up after three days of attempts.",
        "See [Webhooks do not arrive](troubleshoot.md#webhooks-do-not-arrive), mend the endpoint, and send"
        " the events again.",
        firing=((f'{m.DELIVERY_ATTEMPTS.name}{{outcome="dead"}}', "0+1x30"),),
        quiet=((f'{m.DELIVERY_ATTEMPTS.name}{{outcome="dead"}}', "0x30"),),
    ),
    Rule(
        "CalltallyDeliveriesLate",
        f"max({m.OVERDUE_DELIVERY_SECONDS.name}) > 300",
        "5m",
        "warning",
        "A delivery was due five minutes ago and has not been sent: nothing sends, or endpoints are slow.",
        "Look for `deliveries wait for the database` in the log, and at the attempts of the endpoint.",
        firing=((m.OVERDUE_DELIVERY_SECONDS.name, "0+60x30"),),
        quiet=((m.OVERDUE_DELIVERY_SECONDS.name, "10x30"),),
    ),
    Rule(
        "CalltallyJobsLate",
        f"max by (kind) ({m.OLDEST_JOB_SECONDS.name}) > 6 * 3600",
        "10m",
        "warning",
        "An export or a reconciliation has not ended for six hours.",
        "Read the job's `reason` in the API, and search the log for `job waits`.",
        firing=((f'{m.OLDEST_JOB_SECONDS.name}{{kind="export"}}', "30000x30"),),
        quiet=((f'{m.OLDEST_JOB_SECONDS.name}{{kind="export"}}', "60x30"),),
    ),
    Rule(
        "CalltallyNotificationsFail",
        f'sum(increase({m.NOTIFICATION_ATTEMPTS.name}{{outcome=~"failed|dead"}}[15m])) > 2',
        "0m",
        "warning",
        "Alerts cannot be sent to a sink, so that nobody may learn of them.",
        "Search the log for `an alert could not be sent`, and see"
        " [No alerts come](troubleshoot.md#no-alerts-come).",
        firing=((f'{m.NOTIFICATION_ATTEMPTS.name}{{outcome="failed"}}', "0+1x30"),),
        quiet=((f'{m.NOTIFICATION_ATTEMPTS.name}{{outcome="failed"}}', "0x30"),),
    ),
    Rule(
        "CalltallyAlertOpen",
        f'sum by (kind) ({m.ALERT.name}{{state="open"}}) > 0',
        "0m",
        "info",
        "Calltally has an open alert of its own. Leave this rule out where sinks are set up.",
        "Read it at `/alerts` of the dashboard. See [Get alerts](get-alerts.md).",
        firing=((f'{m.ALERT.name}{{kind="rate",state="open"}}', "1x30"),),
        quiet=((f'{m.ALERT.name}{{kind="rate",state="open"}}', "0x30"),),
    ),
    Rule(
        "CalltallyOpenFiles",
        f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}} > 0.9",
        "5m",
        "warning",
        "The process has almost as many open files and connections as the system allows.",
        "Raise the limit of open files, or lower"
        " [`CALLTALLY_MAX_CONNECTIONS`](../reference/settings.md#slow-and-idle-connections).",
        firing=((f"process_open_fds{{{JOB}}}", "95x30"), (f"process_max_fds{{{JOB}}}", "100x30")),
        quiet=((f"process_open_fds{{{JOB}}}", "50x30"), (f"process_max_fds{{{JOB}}}", "100x30")),
    ),
)
