"""The recipe: its training stages (`stages`) and the systems that are compared (`systems`). All else asks here."""
