"""What a flow file is written with, and flows that services share."""
