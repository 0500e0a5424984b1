/* Sleeps until SIGTERM or SIGINT, and ends at once then, also as process 1, which the default handlers do not end. */
#include <signal.h>
#include <stddef.h>

int main(void)
{
    sigset_t ends;
    int signal;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    return sigwait(&ends, &signal);
}
