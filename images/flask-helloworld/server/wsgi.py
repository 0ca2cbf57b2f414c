"""The application that `flask run` would serve, by FLASK_APP and the same .env files."""

import os

from flask.cli import ScriptInfo, load_dotenv

load_dotenv()
application = ScriptInfo(os.environ["FLASK_APP"]).load_app()
