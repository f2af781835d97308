"""What people take home: signed licences, certificates and originals. Writing lives here, reading in the core."""
