"""Prometheus exposition."""

from calltally.store.db.usage import CacheUse, PoolUse, StoreUsage, WriterUse
from calltally.web.metrics.metrics import Metrics
from calltally.web.metrics.usage import ProcessUsage


def lines(metrics: Metrics) -> list[str]:
    return metrics.text().decode().splitlines()


def test_responses_are_counted_by_route_method_and_status() -> None:
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.observe_request("/calls/{id}", "GET", status, seconds=0.003)
    reported = lines(metrics)
    assert 'calltally_http_requests_total{method="GET",route="/calls/{id}",status="200"} 2.0' in reported
    assert 'calltally_http_requests_total{method="GET",route="/calls/{id}",status="404"} 1.0' in reported
    assert 'calltally_http_request_seconds_bucket{le="0.005",route="/calls/{id}"} 3.0' in reported


def test_unknown_methods_share_one_series() -> None:
    metrics = Metrics()
    for number in range(50):
        metrics.observe_request("/", f"X{number}", 405, seconds=0.0)
    assert 'calltally_http_requests_total{method="other",route="/",status="405"} 50.0' in lines(metrics)
    assert "X49" not in metrics.text().decode()


def test_ingest_is_counted_by_provider() -> None:
    metrics = Metrics()
    metrics.count_fact("twilio", "applied")
    metrics.count_signature_failure("twilio", "no-secret")
    metrics.count_dead_letter("twilio")
    metrics.count_unknown_end_reasons("vapi", 2)
    metrics.count_unread_message("livekit", "agent_job_*")
    metrics.count_unread_fields("telnyx", 2)
    reported = lines(metrics)
    assert 'calltally_facts_total{outcome="applied",provider="twilio"} 1.0' in reported
    assert 'calltally_signature_failures_total{provider="twilio",reason="no-secret"} 1.0' in reported
    assert 'calltally_dead_letters_total{provider="twilio"} 1.0' in reported
    assert 'calltally_unknown_end_reasons_total{provider="vapi"} 2.0' in reported
    assert 'calltally_unread_messages_total{kind="agent_job_*",provider="livekit"} 1.0' in reported
    assert 'calltally_unread_fields_total{provider="telnyx"} 2.0' in reported


def usage(total: int, now: int) -> ProcessUsage:
    writer = WriterUse(now, now / 2, total, 1, total / 4)
    store = StoreUsage(writer, {"reads": PoolUse(now, 7, 16)}, {"wal": 4_096})
    return ProcessUsage(store, {"keys": CacheUse(total, 2)}, now)


def test_use_of_the_process_is_read_at_each_scrape() -> None:
    metrics, read = Metrics(), [usage(4, 3)]
    metrics.observe_usage(lambda: read[-1])
    first = lines(metrics)
    read.append(usage(6, 0))
    second = lines(metrics)
    for name, before, after in (
        ("calltally_writer_queue", 3.0, 0.0),
        ("calltally_writer_wait_seconds", 1.5, 0.0),
        ('calltally_commits_total{outcome="committed"}', 4.0, 6.0),
        ('calltally_commits_total{outcome="failed"}', 1.0, 1.0),
        ("calltally_commit_seconds_total", 1.0, 1.5),
        ('calltally_database_connections{pool="reads",state="in-use"}', 3.0, 0.0),
        ('calltally_database_connections{pool="reads",state="waiting"}', 7.0, 7.0),
        ('calltally_database_connections_limit{pool="reads"}', 16.0, 16.0),
        ('calltally_database_file_bytes{file="wal"}', 4096.0, 4096.0),
        ('calltally_cache_lookups_total{cache="keys",outcome="hit"}', 4.0, 6.0),
        ('calltally_cache_lookups_total{cache="keys",outcome="miss"}', 2.0, 2.0),
        ("calltally_long_polls", 3.0, 0.0),
    ):
        assert f"{name} {before}" in first
        assert f"{name} {after}" in second


def test_applications_have_separate_registries() -> None:
    one, other = Metrics(), Metrics()
    one.count_fact("twilio", "applied")
    assert 'outcome="applied"' not in other.text().decode()
