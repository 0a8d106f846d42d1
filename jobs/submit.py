"""The application for spark-submit: `spark-submit … "$(mathmill submit-script)" recipe.yaml --out s3://bucket/run`.

It is `mathmill run --engine spark` in the session that spark-submit opens, with its master, archives and settings.
"""

import sys

from mathmill.jobs.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["run", *sys.argv[1:], "--engine", "spark"]
    main()
