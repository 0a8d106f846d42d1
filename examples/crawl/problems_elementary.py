# ruff: noqa: D103, E501 (a template is named for what it asks; sentences are not broken)
"""Templates of elementary school: word problems of arithmetic, fractions, percentages and simple geometry."""

from fractions import Fraction
from random import Random

from .templates import NAMES, Text, frac, template

_GOODS = (("notebooks", "笔记本", "本"), ("pencils", "铅笔", "支"), ("erasers", "橡皮", "块"), ("rulers", "尺子", "把"),
          ("markers", "水彩笔", "支"), ("folders", "文件夹", "个"), ("stickers", "贴纸", "张"))  # fmt: skip


@template("elementary")
def boxes(rng: Random) -> tuple[Text, Text]:
    rows, each = rng.randint(6, 19), rng.randint(12, 48)
    fruit, zh = rng.choice(
        [("apples", "苹果"), ("pears", "梨"), ("oranges", "橙子"), ("peaches", "桃子"), ("lemons", "柠檬")]
    )
    return (
        (
            f"A grower packs {fruit} into crates of {each}. How many {fruit} are there in {rows} full crates?",
            [f"Every crate holds {each} {fruit}, so {rows} crates hold ${rows}\\times {each}={rows * each}$ {fruit}."],
            f"${rows * each}$",
        ),
        (
            f"果农把{zh}装箱，每箱装${each}$个，装满了${rows}$箱，一共有多少个{zh}？",
            [f"每箱${each}$个，${rows}$箱共有${each}\\times {rows}={each * rows}$（个）。"],
            f"${rows * each}$个",
        ),
    )


@template("elementary")
def ribbon(rng: Random) -> tuple[Text, Text]:
    metres, piece = rng.randint(2, 7) * 2, rng.choice([4, 5, 8, 10, 20, 25])
    name, zh = rng.choice(NAMES)
    count = metres * 100 // piece
    assert count * piece == metres * 100
    return (
        (
            f"{name} has a ribbon that is {metres} metres long and cuts it into pieces of {piece} centimetres. How many pieces does {name} get?",
            [
                f"First change the unit: ${metres}$ metres are ${metres}\\times 100={metres * 100}$ centimetres.",
                f"Then divide by the length of a piece: ${metres * 100}\\div {piece}={count}$ pieces.",
            ],
            f"${count}$",
        ),
        (
            f"{zh}有一根长${metres}$米的彩带，把它剪成每段${piece}$厘米的小段，可以剪成多少段？",
            [
                f"先统一单位：${metres}$米$={metres * 100}$厘米。",
                f"再用总长除以每段的长：${metres * 100}\\div {piece}={count}$（段）。",
            ],
            f"${count}$段",
        ),
    )


@template("elementary")
def change(rng: Random) -> tuple[Text, Text]:
    (one, zh_one, unit_one), (two, zh_two, unit_two) = rng.sample(_GOODS, 2)
    name, zh = rng.choice(NAMES)
    n, p, m, q = rng.randint(2, 9), rng.randint(3, 9), rng.randint(2, 8), rng.randint(2, 7)
    total = n * p + m * q
    paid = (total // 10 + 1 + rng.randint(0, 3)) * 10
    return (
        (
            f"At the stationery shop {name} buys {n} {one} at {p} dollars each and {m} {two} at {q} dollars each, and pays with {paid} dollars. How much change does {name} get back?",
            [
                f"The {one} cost ${n}\\times {p}={n * p}$ dollars.",
                f"The {two} cost ${m}\\times {q}={m * q}$ dollars.",
                f"Together that makes ${n * p}+{m * q}={total}$ dollars.",
                f"The change is ${paid}-{total}={paid - total}$ dollars.",
            ],
            f"${paid - total}$ dollars",
        ),
        (
            f"{zh}到文具店买了${n}${unit_one}{zh_one}，每{unit_one}${p}$元，又买了${m}${unit_two}{zh_two}，每{unit_two}${q}$元。{zh}付给售货员${paid}$元，应找回多少元？",
            [
                f"买{zh_one}用去${n}\\times {p}={n * p}$（元）。",
                f"买{zh_two}用去${m}\\times {q}={m * q}$（元）。",
                f"一共用去${n * p}+{m * q}={total}$（元）。",
                f"应找回${paid}-{total}={paid - total}$（元）。",
            ],
            f"${paid - total}$元",
        ),
    )


@template("elementary")
def sharing(rng: Random) -> tuple[Text, Text]:
    children, each = rng.randint(5, 14), rng.randint(6, 15)
    left = rng.randint(1, children - 1)
    total = children * each + left
    return (
        (
            f"A teacher shares {total} glass marbles fairly among {children} children. How many marbles does each child receive, and how many are left over?",
            [
                f"Divide with remainder: ${total}\\div {children}={each}$ with remainder ${left}$, because ${children}\\times {each}={children * each}$.",
                f"So each child receives ${each}$ marbles and ${total}-{children * each}={left}$ are left over.",
            ],
            f"${each}$ marbles each, ${left}$ left over",
        ),
        (
            f"老师把${total}$颗玻璃球平均分给${children}$个小朋友，每人分到几颗，还剩几颗？",
            [
                f"列式计算：${total}\\div {children}={each}\\cdots\\cdots {left}$。",
                f"验算：${children}\\times {each}+{left}={total}$，所以每人分到${each}$颗，还剩${left}$颗。",
            ],
            f"每人${each}$颗，还剩${left}$颗",
        ),
    )


@template("elementary")
def reading(rng: Random) -> tuple[Text, Text]:
    days, pages = rng.randint(4, 9), rng.randint(14, 36)
    rest_days = rng.randint(3, 8)
    faster = rng.randint(18, 45)
    total = days * pages + rest_days * faster
    name, zh = rng.choice(NAMES)
    return (
        (
            f"A novel has {total} pages. {name} reads {pages} pages a day for the first {days} days. To finish the rest in {rest_days} days, how many pages must {name} read on each of them?",
            [
                f"In the first {days} days {name} reads ${days}\\times {pages}={days * pages}$ pages.",
                f"There remain ${total}-{days * pages}={total - days * pages}$ pages.",
                f"Spread over {rest_days} days that is ${total - days * pages}\\div {rest_days}={faster}$ pages a day.",
            ],
            f"${faster}$ pages",
        ),
        (
            f"一本故事书共${total}$页，{zh}前${days}$天平均每天看${pages}$页，剩下的要在${rest_days}$天内看完，平均每天要看多少页？",
            [
                f"前${days}$天看了${pages}\\times {days}={days * pages}$（页）。",
                f"还剩${total}-{days * pages}={total - days * pages}$（页）。",
                f"平均每天要看${total - days * pages}\\div {rest_days}={faster}$（页）。",
            ],
            f"${faster}$页",
        ),
    )


@template("elementary")
def garden(rng: Random) -> tuple[Text, Text]:
    width = rng.randint(6, 18)
    length = width + rng.randint(3, 16)
    price = rng.randint(4, 15)
    around = 2 * (length + width)
    return (
        (
            f"A rectangular vegetable garden is {length} m long and {width} m wide. A fence for it costs {price} dollars per metre. What is the area of the garden, and what does the fence cost?",
            [
                f"The area is length times width: ${length}\\times {width}={length * width}$ square metres.",
                f"The perimeter is $2\\times ({length}+{width})={around}$ metres.",
                f"The fence costs ${around}\\times {price}={around * price}$ dollars.",
            ],
            f"${length * width}$ square metres; ${around * price}$ dollars",
        ),
        (
            f"一块长方形菜地长${length}$米，宽${width}$米。菜地的面积是多少平方米？在它四周围上篱笆，每米篱笆${price}$元，一共需要多少元？",
            [
                f"面积：${length}\\times {width}={length * width}$（平方米）。",
                f"周长：$({length}+{width})\\times 2={around}$（米）。",
                f"篱笆的费用：${around}\\times {price}={around * price}$（元）。",
            ],
            f"${length * width}$平方米，${around * price}$元",
        ),
    )


@template("elementary")
def class_fraction(rng: Random) -> tuple[Text, Text]:
    part = Fraction(*rng.choice([(2, 5), (3, 8), (3, 7), (4, 9), (5, 12), (3, 10), (5, 8)]))
    total = part.denominator * rng.randint(3, 9)
    inside = int(part * total)
    club, zh = rng.choice(
        [("choir", "合唱队"), ("chess club", "棋类小组"), ("swimming team", "游泳队"), ("drama group", "话剧社")]
    )
    return (
        (
            f"There are {total} pupils in a year group and ${frac(part)}$ of them belong to the {club}. How many pupils do not belong to it?",
            [
                f"The {club} has ${frac(part)}\\times {total}={inside}$ members.",
                f"The others are ${total}-{inside}={total - inside}$ pupils.",
            ],
            f"${total - inside}$",
        ),
        (
            f"五年级有学生${total}$人，其中${frac(part)}$参加了{zh}，没有参加{zh}的有多少人？",
            [
                f"参加{zh}的有${total}\\times {frac(part)}={inside}$（人）。",
                f"没有参加的有${total}-{inside}={total - inside}$（人）。",
            ],
            f"${total - inside}$人",
        ),
    )


@template("elementary")
def discount(rng: Random) -> tuple[Text, Text]:
    off = rng.choice([10, 20, 30, 40])
    price = rng.randint(4, 30) * 10
    less = price * off // 100
    voucher = rng.randint(3, 9)
    item, zh = rng.choice(
        [
            ("jacket", "外套"),
            ("backpack", "书包"),
            ("desk lamp", "台灯"),
            ("pair of skates", "溜冰鞋"),
            ("kettle", "电水壶"),
        ]
    )
    return (
        (
            f"A {item} is priced at {price} dollars. In the sale it is {off}% off, and a voucher takes another {voucher} dollars off the sale price. How much does a customer pay?",
            [
                f"The reduction is ${off}\\%$ of ${price}$, that is ${price}\\times {off / 100:g}={less}$ dollars.",
                f"The sale price is ${price}-{less}={price - less}$ dollars.",
                f"With the voucher the customer pays ${price - less}-{voucher}={price - less - voucher}$ dollars.",
            ],
            f"${price - less - voucher}$ dollars",
        ),
        (
            f"一件{zh}原价${price}$元，商场打{'九八七六'[off // 10 - 1]}折销售，使用优惠券还可以再减${voucher}$元。顾客实际要付多少元？",
            [
                f"打折后的价格是${price}\\times {(100 - off) / 100:g}={price - less}$（元）。",
                f"用优惠券后实际付${price - less}-{voucher}={price - less - voucher}$（元）。",
            ],
            f"${price - less - voucher}$元",
        ),
    )


@template("elementary")
def heads_and_legs(rng: Random) -> tuple[Text, Text]:
    hens, rabbits = rng.randint(5, 25), rng.randint(4, 22)
    heads, legs = hens + rabbits, 2 * hens + 4 * rabbits
    return (
        (
            f"In a farmyard there are hens and rabbits. Together they have {heads} heads and {legs} legs. How many hens and how many rabbits are there?",
            [
                f"Suppose that all {heads} animals were hens; they would have $2\\times {heads}={2 * heads}$ legs.",
                f"There are ${legs}-{2 * heads}={legs - 2 * heads}$ legs more than that.",
                f"Each rabbit has $2$ legs more than a hen, so there are ${legs - 2 * heads}\\div 2={rabbits}$ rabbits.",
                f"The number of hens is ${heads}-{rabbits}={hens}$.",
            ],
            f"${hens}$ hens and ${rabbits}$ rabbits",
        ),
        (
            f"鸡和兔关在同一个笼子里，从上面数有${heads}$个头，从下面数有${legs}$只脚。鸡和兔各有多少只？",
            [
                f"假设全是鸡，应有脚${heads}\\times 2={2 * heads}$（只）。",
                f"比实际少${legs}-{2 * heads}={legs - 2 * heads}$（只）。",
                f"每只兔比鸡多$2$只脚，所以兔有${legs - 2 * heads}\\div 2={rabbits}$（只）。",
                f"鸡有${heads}-{rabbits}={hens}$（只）。",
            ],
            f"鸡${hens}$只，兔${rabbits}$只",
        ),
    )


@template("elementary")
def pipes(rng: Random) -> tuple[Text, Text]:
    a, b = rng.choice([(3, 6), (4, 12), (6, 12), (10, 15), (6, 3), (20, 30), (12, 24), (18, 9), (21, 28), (5, 20)])
    rate = Fraction(1, a) + Fraction(1, b)
    hours = 1 / rate
    return (
        (
            f"One pump empties a cellar in {a} hours and a second pump empties it in {b} hours. How long do both pumps need together?",
            [
                f"In one hour the first pump empties $\\frac{{1}}{{{a}}}$ of the cellar and the second one $\\frac{{1}}{{{b}}}$.",
                f"Together they empty $\\frac{{1}}{{{a}}}+\\frac{{1}}{{{b}}}={frac(rate)}$ of it in an hour.",
                f"So they need $1\\div {frac(rate)}={frac(hours)}$ hours.",
            ],
            f"${frac(hours)}$ hours",
        ),
        (
            f"一项工程，甲队单独做${a}$天完成，乙队单独做${b}$天完成。两队合作，几天可以完成？",
            [
                f"甲队每天完成$\\frac{{1}}{{{a}}}$，乙队每天完成$\\frac{{1}}{{{b}}}$。",
                f"两队合作每天完成$\\frac{{1}}{{{a}}}+\\frac{{1}}{{{b}}}={frac(rate)}$。",
                f"合作完成需要$1\\div {frac(rate)}={frac(hours)}$（天）。",
            ],
            f"${frac(hours)}$天",
        ),
    )


@template("elementary")
def average(rng: Random) -> tuple[Text, Text]:
    scores = [rng.randint(71, 98) for _ in range(4)]
    goal = rng.randint(83, 89)
    need = goal * 5 - sum(scores)
    while not 60 <= need <= 100:
        scores = [rng.randint(71, 98) for _ in range(4)]
        need = goal * 5 - sum(scores)
    listed = ", ".join(map(str, scores))
    name, zh = rng.choice(NAMES)
    plus = "+".join(map(str, scores))
    return (
        (
            f"In four tests {name} scored {listed} points. What score in the fifth test brings the average of all five to {goal}?",
            [
                f"An average of ${goal}$ over five tests means ${goal}\\times 5={goal * 5}$ points in all.",
                f"So far {name} has ${plus}={sum(scores)}$ points.",
                f"The fifth test must bring ${goal * 5}-{sum(scores)}={need}$ points.",
            ],
            f"${need}$",
        ),
        (
            f"{zh}前四次测验的成绩分别是{'、'.join(map(str, scores))}分，要使五次测验的平均分达到${goal}$分，第五次测验应得多少分？",
            [
                f"五次的总分应为${goal}\\times 5={goal * 5}$（分）。",
                f"前四次的总分是${plus}={sum(scores)}$（分）。",
                f"第五次应得${goal * 5}-{sum(scores)}={need}$（分）。",
            ],
            f"${need}$分",
        ),
    )


@template("elementary")
def ratio(rng: Random) -> tuple[Text, Text]:
    a, b, c = rng.choice([(2, 3, 4), (1, 2, 5), (3, 4, 5), (2, 5, 6), (1, 3, 7), (3, 5, 7), (2, 4, 7)])
    part = rng.randint(6, 35)
    total = part * (a + b + c)
    return (
        (
            f"Concrete is mixed from cement, sand and gravel in the ratio ${a}:{b}:{c}$ by weight. How much of each is needed for {total} kg of dry mixture?",
            [
                f"The ratio has ${a}+{b}+{c}={a + b + c}$ parts.",
                f"One part weighs ${total}\\div {a + b + c}={part}$ kg.",
                f"Cement: ${a}\\times {part}={a * part}$ kg.",
                f"Sand: ${b}\\times {part}={b * part}$ kg.",
                f"Gravel: ${c}\\times {part}={c * part}$ kg.",
            ],
            f"${a * part}$ kg, ${b * part}$ kg, ${c * part}$ kg",
        ),
        (
            f"一种混凝土由水泥、沙子和石子按${a}:{b}:{c}$的比配制而成。要配制${total}$千克这种混凝土，三种材料各需要多少千克？",
            [
                f"总份数是${a}+{b}+{c}={a + b + c}$（份）。",
                f"每份是${total}\\div {a + b + c}={part}$（千克）。",
                f"水泥：${part}\\times {a}={a * part}$（千克）。",
                f"沙子：${part}\\times {b}={b * part}$（千克）。",
                f"石子：${part}\\times {c}={c * part}$（千克）。",
            ],
            f"水泥${a * part}$千克，沙子${b * part}$千克，石子${c * part}$千克",
        ),
    )


@template("elementary")
def trees(rng: Random) -> tuple[Text, Text]:
    gap, count = rng.choice([4, 5, 6, 8, 10]), rng.randint(12, 60)
    road = gap * count
    return (
        (
            f"Lime trees are planted along both sides of a straight avenue {road} m long, one every {gap} m, with a tree at each end. How many trees are planted?",
            [
                f"On one side there are ${road}\\div {gap}={count}$ gaps.",
                f"With a tree at each end that makes ${count}+1={count + 1}$ trees on one side.",
                f"Both sides together have ${count + 1}\\times 2={2 * (count + 1)}$ trees.",
            ],
            f"${2 * (count + 1)}$",
        ),
        (
            f"在一条长${road}$米的公路两旁植树，每隔${gap}$米栽一棵，两端都要栽，一共要栽多少棵树？",
            [
                f"一旁的间隔数：${road}\\div {gap}={count}$（个）。",
                f"一旁的棵数：${count}+1={count + 1}$（棵）。",
                f"两旁的棵数：${count + 1}\\times 2={2 * (count + 1)}$（棵）。",
            ],
            f"${2 * (count + 1)}$棵",
        ),
    )


@template("elementary")
def meeting(rng: Random) -> tuple[Text, Text]:
    fast, slow, hours = rng.randint(55, 90), rng.randint(30, 54), rng.randint(2, 6)
    distance = (fast + slow) * hours
    return (
        (
            f"Two towns are {distance} km apart. A bus leaves one of them at {fast} km/h; at the same time a lorry leaves the other at {slow} km/h towards the bus. After how many hours do they meet, and how far has the bus travelled by then?",
            [
                f"They approach each other at ${fast}+{slow}={fast + slow}$ km/h.",
                f"They meet after ${distance}\\div {fast + slow}={hours}$ hours.",
                f"By then the bus has travelled ${fast}\\times {hours}={fast * hours}$ km.",
            ],
            f"${hours}$ hours, ${fast * hours}$ km",
        ),
        (
            f"甲、乙两地相距${distance}$千米，客车从甲地开出，每小时行${fast}$千米，货车同时从乙地相向开出，每小时行${slow}$千米。几小时后两车相遇？相遇时客车行了多少千米？",
            [
                f"两车的速度和是${fast}+{slow}={fast + slow}$（千米/时）。",
                f"相遇时间是${distance}\\div {fast + slow}={hours}$（小时）。",
                f"客车行了${fast}\\times {hours}={fast * hours}$（千米）。",
            ],
            f"${hours}$小时，${fast * hours}$千米",
        ),
    )
