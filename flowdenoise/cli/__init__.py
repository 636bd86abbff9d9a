"""The command line: parse, build one configuration, call one library function, draw the result.

Only this room knows typer and rich. It imports nothing that is slow to import: each command
imports what it needs when it runs, so `--help` answers at once.

```
app                the application: its commands, and from errors to messages and exit statuses
denoise            `denoise`
simulate           `simulate`
inspect            `info` and `doctor`
prior              `score` and `sample`
serve              `page`
train              `train-prior`, `train-denoiser` and the others that train, and `tune`
benchmark          `benchmark SET` and `benchmark table1`
benchmark_speed    `benchmark speed` and `benchmark whole-command`
weights            `weights`: list, look into, fetch, check and export weights
weights_push       `weights push`
weights_text       weights for people, and the same facts as JSON
options            options that several commands share
train_options      options of the commands that train
benchmark_options  options of the benchmark
help_texts         help with the library's own defaults and tables
outcomes           what became of pictures, in words and as JSON
console            standard output for results, standard error for progress and messages
interruption       Ctrl-C, termination and a closed terminal
```
"""
