import numpy as np
import pyarrow as pa

from mathmill.classifiers.recall import (
    DomainCounts,
    Prefix,
    PrefixCounts,
    PrefixSet,
    RecallConfig,
    clean_prefix,
    math_domains,
    prefix_hashes,
    propose,
    url_keys,
)

CONFIG = RecallConfig(domain_pages=4, domain_share=0.1, prefix_pages=2, prefix_share=0.5, depth=3)

PAGES = [  # URL, collected
    *((f"https://www.forum.org/questions/math/{n}", n > 1) for n in range(8)),
    *((f"https://forum.org/users/{n}?tab=about", False) for n in range(20)),
    *((f"http://Math.example:8080/wiki/Lemma_{n}", True) for n in range(5)),
    *((f"https://news.example/{n}.html", n == 0) for n in range(10)),
    *((f"https://few.example/{n}", True) for n in range(3)),
    ("not a URL", True),
]
URLS = pa.array([url for url, _ in PAGES], pa.large_string())
COLLECTED = np.array([collected for _, collected in PAGES])


def batches(size: int) -> list[tuple[pa.Array, np.ndarray]]:
    keys = url_keys(URLS)
    return [(keys.slice(start, size), COLLECTED[start : start + size]) for start in range(0, len(keys), size)]


def test_keys_are_host_and_path() -> None:
    urls = ["HTTPS://www.A.org:443/b/c.html?q=1#x", "http://user:pw@a.org", "ftp://a.org?x/y", "/b/c", None]
    assert url_keys(pa.array(urls)).to_pylist() == ["a.org/b/c.html", "a.org/", "a.org/", None, None]


def test_domains_are_counted_the_same_in_any_batches() -> None:
    for size in (1, 7, 100):
        counts = DomainCounts()
        for keys, collected in batches(size):
            counts.add(keys, collected)
        assert counts.table().to_pylist() == [
            {"host": "few.example", "pages": 3, "collected": 3},
            {"host": "forum.org", "pages": 28, "collected": 6},
            {"host": "math.example", "pages": 5, "collected": 5},
            {"host": "news.example", "pages": 10, "collected": 1},
        ]


def test_a_domain_is_math_from_ten_percent_on_if_it_has_enough_pages() -> None:
    counts = DomainCounts()
    counts.add(url_keys(URLS), COLLECTED)
    assert math_domains(counts.table(), CONFIG)["host"].to_pylist() == ["forum.org", "math.example"]


def test_prefixes_end_at_slashes_and_equal_ones_have_equal_hashes() -> None:
    hashes, sizes = prefix_hashes(pa.array(["a.org/b/c/d", "a.org/b/x", "a.org/", None]), 1)
    assert sizes.tolist() == [[6, 8], [6, 8], [6, 0], [0, 0]]
    assert hashes[0].tolist() == hashes[1].tolist()
    assert hashes[2].tolist() == [hashes[0, 0], 0]
    assert len(set(hashes[0])) == 2


def test_the_widest_prefix_that_is_mostly_math_is_named_as_long_as_it_can_be() -> None:
    for size in (3, 100):
        counts = PrefixCounts()
        for keys, collected in batches(size):
            counts.add(prefix_hashes(keys, CONFIG.depth)[0], collected)
        found = [prefix for part in propose(batches(size), counts, CONFIG) for prefix in part]
        assert found == [
            Prefix("forum.org/questions/math/", 8, 6),  # forum.org/questions/ has the same pages, forum.org/ has others
            Prefix("math.example/wiki/", 5, 5),
            Prefix("few.example/", 3, 3),
        ]


def test_counts_do_not_depend_on_when_they_are_merged() -> None:
    rng = np.random.default_rng(3)
    hashes, collected = rng.integers(1, 50, (400, 3)).astype(np.uint64), rng.random(400) < 0.5
    whole, parts = PrefixCounts(), PrefixCounts()
    whole.add(hashes, collected)
    for start in range(0, 400, 37):
        parts.add(hashes[start : start + 37], collected[start : start + 37])
        parts.look_up(hashes[:1])
    wanted = np.arange(60, dtype=np.uint64)
    np.testing.assert_array_equal(whole.look_up(wanted), parts.look_up(wanted))
    expected = [[(hashes == key).sum(), (hashes[collected] == key).sum()] for key in wanted]
    np.testing.assert_array_equal(whole.look_up(wanted), expected)


def test_a_set_covers_what_a_person_writes_in_any_form() -> None:
    assert clean_prefix("https://www.Forum.org/questions") == "forum.org/questions/"
    assert [clean_prefix(text) for text in ("a.org", "a.org/", " ")] == ["a.org/", "a.org/", ""]
    accepted = PrefixSet(["https://www.forum.org/questions", "few.example", ""])
    covered = [url for url, is_in in zip(URLS.to_pylist(), accepted.covers(url_keys(URLS)), strict=True) if is_in]
    assert covered == [url for url, _ in PAGES if "questions" in url or "few" in url]
    assert not PrefixSet([]).covers(url_keys(URLS)).any()
    assert not PrefixSet(["forum.org/quest"]).covers(url_keys(URLS)).any()
