module bridge

go 1.24
