package main

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"
)

// runAtTerminal runs a command in the machine as `ssh -t` does: at a terminal of its own, of the size of
// the user's, which passes every key on. So Ctrl-C is a key that the machine's terminal makes a signal
// of, and no signal for the programs on this side, which would end before they could tell what it did.
func runAtTerminal(command *exec.Cmd) error {
	master, slave := openTerminal()
	var size [4]uint16
	control(os.Stdin, syscall.TIOCGWINSZ, unsafe.Pointer(&size))
	control(master, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	var usual syscall.Termios
	control(os.Stdin, syscall.TCGETS, unsafe.Pointer(&usual))
	raw := usual
	raw.Iflag &^= syscall.BRKINT | syscall.ICRNL | syscall.INPCK | syscall.ISTRIP | syscall.IXON
	raw.Oflag &^= syscall.OPOST
	raw.Lflag &^= syscall.ECHO | syscall.ICANON | syscall.IEXTEN | syscall.ISIG
	control(os.Stdin, syscall.TCSETS, unsafe.Pointer(&raw))
	defer control(os.Stdin, syscall.TCSETS, unsafe.Pointer(&usual))

	command.Stdin, command.Stdout, command.Stderr = slave, slave, slave
	command.SysProcAttr.Setsid, command.SysProcAttr.Setctty = true, true
	check(command.Start())
	check(slave.Close())
	go io.Copy(master, os.Stdin)
	// It ends with an error when nobody has the other side any more.
	io.Copy(os.Stdout, master)
	return command.Wait()
}

func openTerminal() (master, slave *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	check(err)
	var locked, number int32
	control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	check(err)
	return master, slave
}

func control(terminal *os.File, request uintptr, argument unsafe.Pointer) {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), request, uintptr(argument))
	if errno != 0 {
		fatal("ioctl %#x of %s: %v", request, terminal.Name(), errno)
	}
}

func isTerminal(file *os.File) bool {
	var modes syscall.Termios
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&modes)))
	return errno == 0
}
