/* The commands, one function each: argv[0] is the command's own name. They return the exit code. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_orders(int argc, char **argv);
int cli_appointments(int argc, char **argv);
int cli_events(int argc, char **argv);
int cli_deliveries(int argc, char **argv);
int cli_why(int argc, char **argv);
int cli_retry(int argc, char **argv);
int cli_drop(int argc, char **argv);
int cli_release(int argc, char **argv);
int cli_pause(int argc, char **argv);
int cli_resume(int argc, char **argv);
int cli_reload(int argc, char **argv);
int cli_test(int argc, char **argv);
int cli_silence(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_forget(int argc, char **argv);
int cli_backup(int argc, char **argv);

#endif
