module caproni.dev/colima-stand-in

go 1.19
