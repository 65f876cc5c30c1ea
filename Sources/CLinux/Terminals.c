#include "CLinux.h"

#include <linux/tty.h>

int linux_window_size(int descriptor, uint16_t *rows, uint16_t *columns)
{
	struct winsize size;

	if (ioctl(descriptor, TIOCGWINSZ, &size) == -1)
		return -1;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return 0;
}

int linux_terminal_raw(int descriptor, struct termios *saved, int interrupts)
{
	struct termios settings;

	if (tcgetattr(descriptor, &settings) == -1)
		return -1;
	if (saved)
		*saved = settings;
	settings.c_iflag &= ~(tcflag_t)(IGNCR | ICRNL | INLCR | ISTRIP | IUCLC | PARMRK | BRKINT);
	settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN | ISIG);
	settings.c_cc[VMIN] = 1;
	settings.c_cc[VTIME] = 0;
	if (interrupts) {
		settings.c_lflag |= ISIG;
		settings.c_cc[VQUIT] = settings.c_cc[VSUSP] = _POSIX_VDISABLE;
	}
	// TCSADRAIN and TCSAFLUSH would wait for a terminal whose flow control has stopped it.
	return tcsetattr(descriptor, TCSANOW, &settings);
}

void linux_terminal_forget(int descriptor)
{
	int none = N_NULL, usual = N_TTY;

	// The kernel lets this wait, without a limit, until all is sent; a line that was stopped never sends it.
	for (int tries = 0; linux_terminal_unsent(descriptor) > 0; tries++) {
		if (tries == 50)
			return;
		poll(NULL, 0, 20);
	}
	// The way back can want for memory, and a terminal without its discipline hears nobody.
	if (ioctl(descriptor, TIOCSETD, &none) == 0)
		for (int tries = 0; tries < 100 && ioctl(descriptor, TIOCSETD, &usual) == -1;) {
			// One that somebody else has in use makes each call take five seconds.
			tries += errno == EBUSY ? 25 : 1;
			poll(NULL, 0, 20);
		}
}

int linux_terminal_unsent(int descriptor)
{
	int left;

	return ioctl(descriptor, TIOCOUTQ, &left) == -1 ? 0 : left;
}
