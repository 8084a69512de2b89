"""Tables: the rows of CSV and XLSX files as the JSON of requests and answers, and back again. Knows no database."""
