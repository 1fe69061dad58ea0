"""What comes from elsewhere: files of the Hub at a commit, wheels of the package index, each checked byte for byte."""
