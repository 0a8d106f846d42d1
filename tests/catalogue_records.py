"""One record of each data set of the catalogue, in the shape that the set has, and what comes out of it.

A name stands for the record of that other entry.
"""

BOXED = r"Adding gives $x + 1 = 3$, so $x = \boxed{2}$."
OPTIONS = "\nA. $3$\nB. $4$"

RECORDS = {
    "numinamath-cot": (
        {
            "source": "olympiads",
            "problem": "Find $x$.",
            "solution": BOXED,
            "messages": [{"content": "Find $x$.", "role": "user"}],
        },
        {"question": "Find $x$.", "solution": BOXED, "answer": "2", "style": "cot", "lang": "en"},
    ),
    "numinamath-1-5": (
        {
            "problem": "Prove it.",
            "solution": "Obvious.",
            "answer": "proof",
            "problem_type": "Algebra",
            "question_type": "proof",
            "problem_is_valid": "Yes",
            "solution_is_valid": "Yes",
            "source": "olympiads",
            "synthetic": False,
        },
        {"question": "Prove it.", "solution": "Obvious.", "answer": None},
    ),
    "numinamath-tir": (
        {
            "problem": "1+1?",
            "solution": "```python\nprint(1+1)\n```\n```output\n2\n```\nIt is $\\boxed{2}$.",
            "messages": [],
        },
        {"question": "1+1?", "answer": "2", "style": "mixed"},
    ),
    "lila": (
        {
            "Categories": ["Math ability: Basic math"],
            "Instances": [
                {
                    "Input": "What is 2 + 3?",
                    "Output Program": ["print(2 + 3)"],
                    "Output Answer": ["5"],
                    "split": "train",
                    "dataset": "addsub.json",
                },
                {
                    "Input": "What is 2 + 9?",
                    "Output Program": ["print(2 + 9)"],
                    "Output Answer": ["11"],
                    "split": "test",
                    "dataset": "addsub.json",
                },
            ],
        },
        {"question": "What is 2 + 3?", "solution": "print(2 + 3)", "answer": "5", "style": "pot"},
    ),
    "gsm8k": (
        {
            "question": "Natalia sold 48 clips and then 24. How many?",
            "answer": "48+24 = <<48+24=72>>72 clips.\n#### 72",
        },
        {
            "question": "Natalia sold 48 clips and then 24. How many?",
            "solution": "48+24 = <<48+24=72>>72 clips.\n#### 72",
            "answer": "72",
        },
    ),
    "math": (
        {"problem": "Find $x$.", "level": "Level 3", "type": "Algebra", "solution": BOXED},
        {"question": "Find $x$.", "solution": BOXED, "answer": "2", "difficulty_score": 3.0},
    ),
    "math-files": "math",
    "math-12k": (
        {
            "problem": "Find $x$.",
            "solution": BOXED,
            "answer": "2",
            "subject": "Algebra",
            "level": 5,
            "unique_id": "train/algebra/1.json",
        },
        {"question": "Find $x$.", "solution": BOXED, "answer": "2", "difficulty_score": 5.0},
    ),
    "metamathqa": (
        {
            "type": "GSM_Rephrased",
            "query": "How many?",
            "original_question": "How?",
            "response": "It is 7.\n#### 7\nThe answer is: 7",
        },
        {"question": "How many?", "solution": "It is 7.\n#### 7\nThe answer is: 7", "answer": "7"},
    ),
    "mathinstruct": (
        {
            "source": "data/PoT/gsm_gpt4.json",
            "output": "print(3)",
            "instruction": "What is 1 + 2? Let's write a program.",
        },
        {"question": "What is 1 + 2? Let's write a program.", "solution": "print(3)", "style": "pot"},
    ),
    "webinstructsub": (
        {
            "orig_question": "q",
            "orig_answer": "a",
            "question": "What is $2^3$?",
            "answer": "It is $8$.",
            "source": "mathstackexchange",
            "index": 4,
        },
        {"question": "What is $2^3$?", "solution": "It is $8$."},
    ),
    "openmathinstruct-1": (
        {
            "question": "2+2?",
            "expected_answer": "4",
            "predicted_answer": "4",
            "error_message": "<not_executed>",
            "is_correct": True,
            "generation_type": "without_reference_solution",
            "dataset": "gsm8k",
            "generated_solution": r"It is $\boxed{4}$.",
        },
        {"question": "2+2?", "solution": r"It is $\boxed{4}$.", "answer": "4", "style": "mixed"},
    ),
    "openmathinstruct-2": (
        {
            "problem": "2+2?",
            "generated_solution": r"It is $\boxed{4}$.",
            "expected_answer": "4",
            "problem_source": "augmented_gsm8k",
        },
        {"question": "2+2?", "solution": r"It is $\boxed{4}$.", "answer": "4"},
    ),
    "openmathreasoning": (
        {
            "problem": "2+2?",
            "generated_solution": "<think>\nEasy.\n</think>\nIt is $\\boxed{4}$.",
            "expected_answer": "4",
            "problem_type": "has_answer_extracted",
        },
        {"question": "2+2?", "answer": "4"},
    ),
    "orca-math": (
        {"question": "Jungkook is the 5th. Find his number.", "answer": "He is the 5th, so his number is 9."},
        {"question": "Jungkook is the 5th. Find his number.", "solution": "He is the 5th, so his number is 9."},
    ),
    "mathqa": (
        {
            "Problem": "the ratio is 3 : 4",
            "Rationale": '"so b . answer : b"',
            "options": "a ) 3 , b ) 4 , c ) 5 , d ) 6 , e ) 7",
            "correct": "b",
            "annotated_formula": "add(n0,n1)",
            "linear_formula": "add(n0,n1)|",
            "category": "general",
        },
        {"question": "the ratio is 3 : 4\na ) 3 , b ) 4 , c ) 5 , d ) 6 , e ) 7", "answer": "b"},
    ),
    "aqua-rat": (
        {"question": "How far?", "options": ["A)21", "B)21.5"], "rationale": "Let x be it.\nAnswer: B", "correct": "B"},
        {"question": "How far?\nA)21\nB)21.5", "solution": "Let x be it.\nAnswer: B", "answer": "B"},
    ),
    "ape210k": (
        {
            "id": "254761",
            "segmented_text": "5 0 的 平 均",
            "original_text": "50个数的平均数是83，和是多少？",
            "ans": "4150",
            "equation": "x=50*83",
        },
        {
            "question": "50个数的平均数是83，和是多少？",
            "solution": "x=50*83",
            "answer": "4150",
            "school_stage": "elementary",
            "lang": "zh",
        },
    ),
    "math23k": (
        {
            "id": "2",
            "original_text": "一个工程队挖土，一共挖了多少方？",
            "segmented_text": "一 个",
            "equation": "x=316+230*(6-1)",
            "ans": "1466",
        },
        {"question": "一个工程队挖土，一共挖了多少方？", "solution": "x=316+230*(6-1)", "answer": "1466"},
    ),
    "cmath-dev": (
        {
            "grade": "4",
            "question": "还剩多少页？",
            "golden": "9",
            "reasoning_step": 2,
            "num_digits": 2,
            "distractor": [],
        },
        {"question": "还剩多少页？", "answer": "9", "n_steps": 2, "school_stage": "elementary"},
    ),
    "tal-scq5k-en": (
        {
            "dataset_name": "prime_math_competition_en_single_choice_8K_dev",
            "qid": "244",
            "competition_source_list": [],
            "difficulty": "2",
            "qtype": "single_choice",
            "problem": "Which is larger? ",
            "answer_option_list": [[{"aoVal": "A", "content": "$$3$$ "}], [{"aoVal": "B", "content": "$$4$$ "}]],
            "knowledge_point_routes": ["Overseas Competition->Number Theory Modules"],
            "answer_analysis": ["Since $$4 > 3$$. "],
            "answer_value": "B",
        },
        {"question": f"Which is larger?{OPTIONS}", "solution": "Since $4 > 3$. ", "answer": "B", "school_stage": None},
    ),
    "tal-scq5k-cn": (
        {
            "competition_source_list": ["2018年湖北武汉创新杯小学高年级五年级竞赛初赛第1题4分"],
            "difficulty": "0",
            "problem": "哪个更大．",
            "answer_option_list": [[{"aoVal": "A", "content": "$$3$$"}], [{"aoVal": "B", "content": "$$4$$"}]],
            "answer_analysis": ["$$4>3$$"],
            "answer_value": "B",
        },
        {"question": f"哪个更大．{OPTIONS}", "school_stage": "elementary", "lang": "zh"},
    ),
    "belle-school-math": (
        {"instruction": "小明有3个苹果，又买了4个，一共几个？", "input": "", "output": "3 + 4 = 7。答案是7。"},
        {"question": "小明有3个苹果，又买了4个，一共几个？", "solution": "3 + 4 = 7。答案是7。"},
    ),
    "deepmath-103k": (
        {
            "question": "Evaluate it.",
            "final_answer": "0",
            "difficulty": 4.5,
            "topic": "Calculus",
            "r1_solution_1": "So $\\boxed{0}$.",
            "r1_solution_2": "b",
            "r1_solution_3": "c",
        },
        {"question": "Evaluate it.", "solution": "So $\\boxed{0}$.", "answer": "0", "difficulty": None},
    ),
    "deepscaler": ({"problem": "Find it.", "answer": "27", "solution": ""}, {"question": "Find it.", "answer": "27"}),
    "big-math": (
        {
            "problem": "Find it.",
            "answer": "27",
            "source": "orca_math",
            "domain": ["Algebra"],
            "llama8b_solve_rate": 0.5,
        },
        {"question": "Find it.", "solution": None, "answer": "27"},
    ),
    "openr1-math-220k": (
        {
            "problem": "Find it.",
            "solution": BOXED,
            "answer": "2",
            "problem_type": "Algebra",
            "question_type": "math-word-problem",
            "source": "cn_contest",
            "uuid": "x",
            "generations": ["<think>a</think>"],
            "correctness_math_verify": [True],
        },
        {"question": "Find it.", "solution": BOXED, "answer": "2"},
    ),
    "openthoughts-math": (
        {
            "source": "olympiads",
            "problem": "Find it.",
            "solution": BOXED,
            "conversations": [{"from": "user", "value": "Find it."}],
            "correct": True,
        },
        {"question": "Find it.", "solution": BOXED, "answer": "2"},
    ),
    "openthoughts-114k": (
        {"system": "Think.", "conversations": [{"from": "user", "value": "2+2?"}, {"from": "assistant", "value": "4"}]},
        {
            "messages": [
                {"role": "user", "content": "2+2?", "weight": None},
                {"role": "assistant", "content": "4", "weight": None},
            ]
        },
    ),
    "gsm8k-test": "gsm8k",
    "math-test": "math",
    "math-500": (
        {
            "problem": "Find $x$.",
            "solution": BOXED,
            "answer": "2",
            "subject": "Algebra",
            "level": 2,
            "unique_id": "test/algebra/1.json",
        },
        {"question": "Find $x$.", "solution": BOXED, "answer": "2", "difficulty_score": 2.0},
    ),
    "aqua-rat-test": "aqua-rat",
    "asdiv": (
        {
            "body": "Seven red apples and two green apples are in the basket.",
            "question": "How many apples are in the basket?",
            "solution_type": "Addition",
            "answer": "9 (apples)",
            "formula": "7+2=9",
        },
        {
            "question": "Seven red apples and two green apples are in the basket. How many apples are in the basket?",
            "solution": "7+2=9",
            "answer": "9 (apples)",
        },
    ),
    "svamp": (
        {
            "ID": "chal-1",
            "Body": "Each pack of dvds costs 76 dollars.",
            "Question": "How much do 2 cost?",
            "Equation": "( 76.0 * 2.0 )",
            "Answer": 152.0,
            "Type": "Multiplication",
        },
        {
            "question": "Each pack of dvds costs 76 dollars. How much do 2 cost?",
            "solution": "( 76.0 * 2.0 )",
            "answer": "152.0",
        },
    ),
    "mawps": (
        {
            "id": "mawps__K2",
            "question": "How many now?",
            "chain": "<gadget>1 + 2</gadget>",
            "result": "3",
            "result_float": 3.0,
            "equation": "x = 1 + 2",
            "expression": "1 + 2",
        },
        {"question": "How many now?", "solution": "1 + 2", "answer": "3"},
    ),
    "cmath-test": "cmath-dev",
    "tal-scq5k-en-test": "tal-scq5k-en",
    "tal-scq5k-cn-test": "tal-scq5k-cn",
    "gaokao-bench": (
        {
            "keywords": "2010-2022_Math_II_MCQs",
            "example": [
                {
                    "year": "2010",
                    "category": "（新课标）",
                    "question": "1. （5 分) 已知集合 $A$, 则 ( )\nA. $1$\nB. $2$\n",
                    "standard_answer": ["B"],
                    "analysis": "解: 故选: B.\n",
                    "index": 0,
                    "score": 5,
                },
            ],
        },
        {
            "question": "1. （5 分) 已知集合 $A$, 则 ( )\nA. $1$\nB. $2$\n",
            "solution": "解: 故选: B.\n",
            "answer": "B",
            "school_stage": "high",
        },
    ),
    "agieval-gaokao": (
        {
            "passage": None,
            "question": "设集合 $A$, 则 $A$ 是",
            "options": ["(A)$1$", "(B)$2$"],
            "label": "B",
            "other": {"source": "2021年浙江卷—数学"},
        },
        {"question": "设集合 $A$, 则 $A$ 是\n(A)$1$\n(B)$2$", "answer": "B"},
    ),
    "agieval-sat": (
        {
            "passage": None,
            "question": "What is $x$?",
            "options": ["(A)2", "(B)4"],
            "label": "A",
            "other": {"solution": "Choice A is correct."},
        },
        {"question": "What is $x$?\n(A)2\n(B)4", "solution": "Choice A is correct.", "answer": "A"},
    ),
    "mgsm-zh": (
        '珍妮特的鸭子每天下 16 颗蛋。"她"还剩几颗？\t18\n',
        {"question": '珍妮特的鸭子每天下 16 颗蛋。"她"还剩几颗？', "answer": "18"},
    ),
    "olympiadbench-en": (
        {
            "id": 1606,
            "question": "Xenia and Sergey play.",
            "solution": ["He needs $2$ moves.", "Another way."],
            "final_answer": ["2"],
            "context": None,
            "subfield": "Combinatorics",
            "error": None,
        },
        {"question": "Xenia and Sergey play.", "solution": "He needs $2$ moves.", "answer": "2"},
    ),
    "olympiadbench-zh": "olympiadbench-en",
    "aime-validation": (
        {"id": 0, "problem": "Find it.", "solution": BOXED, "answer": "116", "url": "https://example.org/2022_AIME_I"},
        {"question": "Find it.", "solution": BOXED, "answer": "116", "url": "https://example.org/2022_AIME_I"},
    ),
    "amc-validation": (
        {"id": 0, "problem": "Find it.", "answer": 142.0, "url": "https://example.org/2023_AMC"},
        {"question": "Find it.", "answer": "142.0"},
    ),
    "aime-2025": ({"problem": "Find it.", "answer": "70", "id": "0"}, {"question": "Find it.", "answer": "70"}),
    "theoremqa": (
        {"Question": "How many ways?", "Answer": "11760", "Answer_type": "integer", "Picture": None},
        {"question": "How many ways?", "answer": "11760", "school_stage": "university"},
    ),
    "mmlu-math": (
        {
            "question": "Find the degree.",
            "subject": "high_school_mathematics",
            "choices": ["0", "4", "2", "6"],
            "answer": 1,
        },
        {"question": "Find the degree.\nA. 0\nB. 4\nC. 2\nD. 6", "answer": "B", "school_stage": "high"},
    ),
    "openwebmath": (
        {"url": "https://example.org/a", "text": "Let $x$ be.", "date": "2017-03-01 12:00:00", "metadata": "{}"},
        {
            "text": "Let $x$ be.",
            "url": "https://example.org/a",
            "crawl_date": "2017-03-01 12:00:00",
            "license": "ODC-By-1.0",
        },
    ),
    "finemath-3plus": (
        {
            "url": "https://example.org/a",
            "fetch_time": 1,
            "text": "Let $x$ be.",
            "score": 3.1,
            "int_score": 3,
            "crawl": "CC-MAIN-2023-50",
            "language": "en",
        },
        {"text": "Let $x$ be.", "url": "https://example.org/a", "lang": "en"},
    ),
    "finemath-4plus": "finemath-3plus",
    "infiwebmath-3plus": (
        {"url": "https://example.org/a", "metadata": "{}", "score": 3.1, "int_score": 3, "text": "Let $x$ be."},
        {"text": "Let $x$ be.", "lang": "en"},
    ),
    "infiwebmath-4plus": "infiwebmath-3plus",
    "megamath-web": (
        {"text": "Let $x$ be.", "url": "https://example.org/a"},
        {"text": "Let $x$ be.", "url": "https://example.org/a"},
    ),
    "megamath-web-pro": "megamath-web",
    "algebraic-stack": (
        {"text": "theorem a : 1 = 1 := rfl", "meta": {"lang": "Lean"}},
        {"text": "theorem a : 1 = 1 := rfl", "lang": None},
    ),
    "proof-pile-2-arxiv": ({"text": "\\section{A}", "meta": {"arxiv_id": "1"}}, {"text": "\\section{A}", "lang": "en"}),
    "redpajama-arxiv": (
        {
            "text": "\\section{A}",
            "meta": {
                "timestamp": "2014-06-30T10:18:18",
                "yymm": "1406",
                "arxiv_id": "1406.1",
                "language": "en",
                "url": "https://arxiv.org/abs/1406.1",
            },
        },
        {
            "text": "\\section{A}",
            "url": "https://arxiv.org/abs/1406.1",
            "crawl_date": "2014-06-30T10:18:18",
            "lang": "en",
        },
    ),
    "redpajama-c4": "redpajama-arxiv",
    "redpajama-wikipedia": "redpajama-arxiv",
    "c4": (
        {"text": "Hello.", "timestamp": "2019-04-25T12:57:54Z", "url": "https://example.org/a"},
        {"text": "Hello.", "crawl_date": "2019-04-25T12:57:54Z"},
    ),
    "starcoderdata": (
        {"max_stars_repo_path": "a.py", "max_stars_repo_name": "a/b", "id": "1", "content": "print(1)\n"},
        {"text": "print(1)\n"},
    ),
}
