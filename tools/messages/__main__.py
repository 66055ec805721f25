"""Write tests/repository/messages.txt: `python -m tools.messages`, which `make pages` runs."""

from tools.messages.collect import LIST, listed_messages

if __name__ == "__main__":
    LIST.write_text(listed_messages(), encoding="utf-8")
