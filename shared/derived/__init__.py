"""What carries out the operations that follow from declared ones (`shared/schema/derived`)."""
