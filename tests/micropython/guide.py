"""The guide's script, the broker it wants, and what the guide says that it prints."""

from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "test.py"
NAME, PORT = "mq.tongxinmao.com", 18830
OUTPUT = """\
Connected to mq.tongxinmao.com, subscribed to /public/TEST/quecpython topic
Publish topic: /public/TEST/quecpython, msg: my name is Quecpython
subscribe recv:
b'/public/TEST/quecpython' b'my name is Kingka!'
"""
