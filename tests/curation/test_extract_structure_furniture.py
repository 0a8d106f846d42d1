# ruff: noqa: E501 (lists of texts)
"""Which short paragraphs are a page's furniture by their words, and which only look like it."""

import pytest

from mathmill.curation.html.furniture import is_consent, is_furniture
from mathmill.curation.html.labels import begins_links, begins_references, is_label, is_toggle

FURNITURE = [
    "Reply", "Skip to main content", "Post by ann » Mon Jan 03, 2011 9:12 am", "Posted on January 3, 2020 by Ann Smith",
    "Asked 5 years, 1 month ago", "Viewed 665 times", "submitted 2 years ago by ann", "2 responses", "December 18, 2020",
    "Last update: May 3, 2021", "Commented Jan 3 at 9:20", "« Reply #1 on: January 03, 2011, 09:30:00 AM »",
    "Copyright 2019 Math Site. All rights reserved.", "Name *", "5 min read·Jan 3, 2021", "楼主", "3人点赞",
    "posted @ 2020-01-03 09:12 张三 阅读(120) 评论(0) 编辑 收藏 举报", "于 2020-01-03 09:12:33 发布", "编辑于 2020-01-03 09:12",
    "2020.01.03 09:12:33字数 321阅读 120", "128 人赞同了该回答", "上一篇：2019年试卷 下一篇：2021年试卷",
    "发布时间：2020-07-08 来源：网络 作者：佚名 点击：1203次 字号：大 中 小", "Copyright © 2020 某某网 版权所有 京ICP备12345678号",
]  # fmt: skip
CONTENT = [
    "Answer", "Solution", "Proof", "Top", "May", "Group", "2", "x", "2 points", "(5 points)", "2 answers", "On May 5",
    "Next, consider the group.", "Share the cake among three.", "The answer is 5 points.", "Modified Bessel functions",
    "Published in 1998", "Answered correctly by 5 students", "Copyright law", "Index of a subgroup", "By Jane Austen",
    "解", "证明", "定理", "答案：D", "例 1", "分类讨论", "标签传播算法", "上一节我们证明了", "更多内容见下一章。",
    "来源：2020年全国卷", "今天是2020年5月1日", "小明有5个苹果", "中点公式",
]  # fmt: skip


@pytest.mark.parametrize("text", FURNITURE)
def test_dates_counts_and_buttons_are_furniture(text: str) -> None:
    assert is_furniture(text)


@pytest.mark.parametrize("text", CONTENT)
def test_words_of_exercises_and_titles_are_not(text: str) -> None:
    assert not is_furniture(text)


def test_a_lone_word_is_furniture_only_as_a_link() -> None:
    assert [is_furniture("Next", linked) for linked in (True, False)] == [True, False]
    assert not is_furniture("copy()[source]", linked=True)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("We use cookies to improve your experience.", True),
        ("本网站使用 Cookie 来改善您的浏览体验。", True),
        ("We value your privacy", True),
        ("A cookie is a small piece of data.", False),
        ("Ann bakes 12 cookies. She uses two cups of flour. How many cookies are left?", False),
    ],
)
def test_a_text_that_asks_for_consent_is_told_from_one_about_biscuits(text: str, asks: bool) -> None:
    assert is_consent(text) is asks


def test_headings_say_what_stands_under_them() -> None:
    assert [begins_links(text) for text in ("Related articles", "相关推荐", "Contents of the box")] == [
        True,
        True,
        False,
    ]
    assert [begins_references(text) for text in ("References", "参考资料", "Practice Problems", "Proof")] == [
        True
    ] * 3 + [False]
    assert [is_label(text) for text in ("2 Answers", "Re: Limits", "3 个回答", "5.1 Response to currents")] == [
        True
    ] * 3 + [False]
    assert [is_toggle(text) for text in ("Show solution", "查看答案与解析", "Solution")] == [True, True, False]
