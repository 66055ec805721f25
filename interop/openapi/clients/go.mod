module example.com/calltally

go 1.23
