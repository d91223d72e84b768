module caproni-driver-go

go 1.19
