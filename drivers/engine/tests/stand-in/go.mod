module caproni.dev/stand-in

go 1.19
