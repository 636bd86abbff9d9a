"""Networks: what each takes, and what it gives back."""
