"""What is special to the example: the nine fields of the shipped model, their recipe and their made-up installs."""
