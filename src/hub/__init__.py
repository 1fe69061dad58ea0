"""The Hub: repositories at one commit, their files downloaded and checked, revisions pinned."""
